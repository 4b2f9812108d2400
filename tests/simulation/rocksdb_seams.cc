#include "tests/simulation/rocksdb_seams.h"

#include <dlfcn.h>
#include <pthread.h>
#include <rocksdb/status.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

// What RocksDB's own headers, which are not installed, declare.
namespace rocksdb {

enum class PeriodicTaskType : uint8_t;

class PeriodicTaskScheduler {
 public:
  Status Register(PeriodicTaskType type, const std::function<void()>& function);
  Status Register(PeriodicTaskType type, const std::function<void()>& function,
                  uint64_t period_seconds);
  Status Unregister(PeriodicTaskType type);
};

// Never is anything registered.
Status PeriodicTaskScheduler::Register(PeriodicTaskType /*type*/,
                                       const std::function<void()>& /*function*/) {
  return Status::OK();
}
Status PeriodicTaskScheduler::Register(PeriodicTaskType /*type*/,
                                       const std::function<void()>& /*function*/,
                                       uint64_t /*period_seconds*/) {
  return Status::OK();
}
Status PeriodicTaskScheduler::Unregister(PeriodicTaskType /*type*/) { return Status::OK(); }

class Random {
 public:
  static Random* GetTLSInstance();
  // At least 1, less than 2^31 - 1.
  uint32_t seed_;
};

}  // namespace rocksdb

namespace fleetqshape::test {
namespace {

std::vector<BackgroundWork*>& Works() {
  thread_local std::vector<BackgroundWork*> works;
  return works;
}

int ReallyWait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  using Function = int (*)(pthread_cond_t*, pthread_mutex_t*);
  // Without a version, the C library may find the function of before 2003.
  static const auto wait = [] {
    void* found = dlvsym(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2");
    if (found == nullptr) found = dlsym(RTLD_NEXT, "pthread_cond_wait");
    return reinterpret_cast<Function>(found);
  }();
  return wait(condition, mutex);
}

}  // namespace

void AddWork(BackgroundWork* work) { Works().push_back(work); }

void RemoveWork(BackgroundWork* work) {
  Works().erase(std::remove(Works().begin(), Works().end(), work), Works().end());
}

void SeedRocksDb(uint64_t seed) {
  rocksdb::Random::GetTLSInstance()->seed_ = static_cast<uint32_t>(seed % 2147483646) + 1;
}

}  // namespace fleetqshape::test

// A wait may always end early: whoever waits looks again at what it waits for.
extern "C" int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  using namespace fleetqshape::test;
  if (Works().empty()) return ReallyWait(condition, mutex);
  pthread_mutex_unlock(mutex);
  const std::vector<BackgroundWork*> works = Works();
  if (std::none_of(works.begin(), works.end(), [](auto* work) { return work->DoSome(); })) {
    std::fputs("the simulation waits for work that nobody has\n", stderr);
    std::abort();
  }
  pthread_mutex_lock(mutex);
  return 0;
}
