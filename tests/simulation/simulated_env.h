// RocksDB's surroundings in a simulation: the files, the time, and when work is done.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_ENV_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_ENV_H_

#include <rocksdb/env.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "tests/simulation/simulated_file_system.h"
#include "tests/simulation/simulated_time.h"

namespace fleetqshape::test {

// One process'. What RocksDB wants done in the background is queued until RunBackground. Not safe
// for use by several threads.
class SimulatedEnv final : public rocksdb::EnvWrapper {
 public:
  SimulatedEnv(std::shared_ptr<SimulatedProcess> process, std::shared_ptr<SimulatedTime> time);

  // Runs queued jobs in their order, and those that they queue, and returns how many.
  size_t RunBackground(size_t at_most);
  size_t queued() const { return jobs_.size(); }

  const char* Name() const override { return "SimulatedEnv"; }
  void Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                void (*unscheduled)(void*)) override;
  int UnSchedule(void* tag, Priority priority) override;
  // Ends the program: nothing that a simulation can order may start one.
  void StartThread(void (*function)(void*), void* argument) override;
  void WaitForJoin() override {}
  unsigned int GetThreadPoolQueueLen(Priority priority) const override;
  int ReserveThreads(int /*threads*/, Priority /*priority*/) override { return 0; }
  int ReleaseThreads(int /*threads*/, Priority /*priority*/) override { return 0; }
  void SetBackgroundThreads(int /*number*/, Priority /*priority*/) override {}
  int GetBackgroundThreads(Priority priority) override {
    return priority == LOW || priority == HIGH ? 1 : 0;
  }
  void IncBackgroundThreadsIfNeeded(int /*number*/, Priority /*priority*/) override {}
  void LowerThreadPoolIOPriority(Priority /*pool*/) override {}
  void LowerThreadPoolCPUPriority(Priority /*pool*/) override {}
  rocksdb::Status LowerThreadPoolCPUPriority(Priority /*pool*/,
                                             rocksdb::CpuPriority /*priority*/) override {
    return rocksdb::Status::OK();
  }

  uint64_t NowMicros() override { return time_->NowMicros(); }
  uint64_t NowNanos() override { return time_->NowNanos(); }
  uint64_t NowCPUNanos() override { return 0; }
  void SleepForMicroseconds(int microseconds) override {
    time_->SleepForMicroseconds(microseconds);
  }
  rocksdb::Status GetCurrentTime(int64_t* unix_seconds) override {
    return time_->GetCurrentTime(unix_seconds);
  }
  std::string TimeToString(uint64_t unix_seconds) override {
    return time_->TimeToString(unix_seconds);
  }
  rocksdb::Status GetHostName(char* name, uint64_t length) override;
  std::string GenerateUniqueId() override;
  uint64_t GetThreadID() const override { return 1; }

 private:
  struct Job {
    void (*function)(void*);
    void* argument;
    Priority priority;
    void* tag;
    void (*unscheduled)(void*);
  };

  const std::shared_ptr<SimulatedProcess> process_;
  const std::shared_ptr<SimulatedTime> time_;
  std::deque<Job> jobs_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_ENV_H_
