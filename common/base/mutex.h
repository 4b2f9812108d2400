// std::mutex with annotations that clang's -Wthread-safety checks.
#ifndef FLEETQSHAPE_COMMON_BASE_MUTEX_H_
#define FLEETQSHAPE_COMMON_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define FQS_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define FQS_THREAD_ANNOTATION(x)
#endif

#define FQS_GUARDED_BY(x) FQS_THREAD_ANNOTATION(guarded_by(x))
#define FQS_REQUIRES(...) FQS_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define FQS_EXCLUDES(...) FQS_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace fleetqshape {

class FQS_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void Lock() FQS_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() FQS_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

class FQS_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) FQS_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() FQS_THREAD_ANNOTATION(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits may wake for no reason: callers loop over their condition.
class ConditionVariable {
 public:
  void Wait(Mutex& mutex) FQS_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  void WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline) FQS_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_until(lock, deadline);
    lock.release();
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_MUTEX_H_
