// Time that passes by being asked for (a microsecond each time), slept, or moved.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_TIME_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_TIME_H_

#include <rocksdb/system_clock.h>

#include <cstdint>
#include <string>

namespace fleetqshape::test {

// Not safe for use by several threads.
class SimulatedTime final : public rocksdb::SystemClock {
 public:
  const char* Name() const override { return "SimulatedTime"; }
  uint64_t NowMicros() override { return ++microseconds_; }
  void SleepForMicroseconds(int microseconds) override { microseconds_ += microseconds; }
  rocksdb::Status GetCurrentTime(int64_t* unix_seconds) override {
    *unix_seconds = static_cast<int64_t>(NowMicros() / 1'000'000);
    return rocksdb::Status::OK();
  }
  std::string TimeToString(uint64_t unix_seconds) override { return std::to_string(unix_seconds); }
  void AdvanceMicroseconds(uint64_t microseconds) { microseconds_ += microseconds; }

 private:
  uint64_t microseconds_ = uint64_t{1'700'000'000} * 1'000'000;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_TIME_H_
