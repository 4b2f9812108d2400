// Work that is spread over several threads.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_PARALLEL_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_PARALLEL_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <limits>

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

  // As many workers as may have `numbers` numbers each, where all together may have `most`; one at
  // least.
  size_t WorkersFor(size_t numbers, size_t most) const;

  // How a worker takes items: so many at a time; and only so many of the workers do.
  struct Shares {
    size_t at_a_time = 1;
    size_t workers = std::numeric_limits<size_t>::max();
  };
  // Calls do_item(worker, item) for each item from 0 to `items`, at most once at a time for each
  // worker; returns when all calls are over. Once the question is cancelled no further shares are
  // begun.
  void ForEach(size_t items, const Shares& shares,
               const std::function<void(size_t worker, size_t item)>& do_item) const;

 private:
  WorkerPool* const pool_;
  const size_t workers_;
  const std::atomic<bool>* const cancelled_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_PARALLEL_H_
