// Work that is spread over several threads.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_PARALLEL_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_PARALLEL_H_

#include <atomic>
#include <cstddef>
#include <functional>

#include "aggregator/query/worker_pool.h"

namespace fleetqshape {

// Who works on one question: the thread that asks, and those of a pool that have time. Used by one
// thread at a time.
class Crew {
 public:
  // `pool` may be null, and outlives the crew; so does `cancelled`, which may be null too.
  Crew(WorkerPool* pool, size_t workers, const std::atomic<bool>* cancelled)
      : pool_(pool),
        workers_(pool == nullptr || workers == 0 ? 1 : workers),
        cancelled_(cancelled) {}

  // Workers are numbered from 0 to one less than this.
  size_t workers() const { return workers_; }
  bool cancelled() const {
    return cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed);
  }

  // Calls do_item(worker, item) for each item from 0 to `items`, at most once at a time for each
  // worker, in up to `workers` threads; returns when all calls are over. Once the question is
  // cancelled no further items are begun.
  void ForEach(size_t items, size_t workers,
               const std::function<void(size_t worker, size_t item)>& do_item) const;
  void ForEach(size_t items, const std::function<void(size_t worker, size_t item)>& do_item) const {
    ForEach(items, workers_, do_item);
  }

 private:
  WorkerPool* const pool_;
  const size_t workers_;
  const std::atomic<bool>* const cancelled_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_PARALLEL_H_
