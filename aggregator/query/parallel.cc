#include "aggregator/query/parallel.h"

#include <algorithm>
#include <memory>

#include "common/base/mutex.h"

namespace fleetqshape {
namespace {

// What the threads share. Helpers that come when all is over find it still there.
struct Work {
  std::atomic<size_t> next_part = 0;
  std::atomic<size_t> next_worker = 1;
  Mutex mutex;
  ConditionVariable condition;
  size_t helping FQS_GUARDED_BY(mutex) = 0;
  bool over FQS_GUARDED_BY(mutex) = false;  // helpers that come now are too late
};

}  // namespace

size_t Crew::WorkersFor(size_t numbers, size_t most) const {
  return std::clamp<size_t>(most / std::max<size_t>(numbers, 1), 1, workers_);
}

void Crew::ForEach(size_t items, const Shares& shares,
                   const std::function<void(size_t, size_t)>& do_item) const {
  const size_t parts = (items + shares.at_a_time - 1) / shares.at_a_time;
  const auto work = std::make_shared<Work>();
  const auto take_items = [&](size_t worker) {
    for (size_t part; !cancelled() && (part = work->next_part++) < parts;) {
      const size_t end = std::min(items, (part + 1) * shares.at_a_time);
      for (size_t item = part * shares.at_a_time; item < end; ++item) do_item(worker, item);
    }
  };
  const size_t helpers = std::min({shares.workers, workers_, std::max<size_t>(parts, 1)}) - 1;
  for (size_t i = 0; i < helpers; ++i) {
    const bool taken = pool_->Submit([work, &take_items] {
      {
        MutexLock lock(work->mutex);
        if (work->over) return;  // take_items is gone
        ++work->helping;
      }
      take_items(work->next_worker++);
      MutexLock lock(work->mutex);
      --work->helping;
      work->condition.NotifyAll();
    });
    if (!taken) break;
  }
  take_items(0);
  MutexLock lock(work->mutex);
  work->over = true;
  while (work->helping > 0) work->condition.Wait(work->mutex);
}

}  // namespace fleetqshape
