// Threads that answer questions, so that gRPC's own are free to move bytes.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_WORKER_POOL_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_WORKER_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace fleetqshape {

// Runs tasks in the order in which they come. Safe for use by several threads.
class WorkerPool {
 public:
  // At most `max_waiting` tasks wait for a thread.
  WorkerPool(size_t threads, size_t max_waiting);
  // Runs what waits, then ends the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False if too many wait: the task is not taken.
  bool Submit(std::function<void()> task);

 private:
  void Run();

  const size_t max_waiting_;
  Mutex mutex_;
  ConditionVariable condition_;
  std::deque<std::function<void()>> waiting_ FQS_GUARDED_BY(mutex_);
  bool stopping_ FQS_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_WORKER_POOL_H_
