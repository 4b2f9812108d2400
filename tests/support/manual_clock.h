// A clock that stands still until it is moved.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_MANUAL_CLOCK_H_
#define FLEETQSHAPE_TESTS_SUPPORT_MANUAL_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "common/base/clock.h"

namespace fleetqshape::test {

// Safe for use by several threads.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t seconds = 1'700'000'000) : milliseconds_(seconds * 1000) {}

  int64_t NowMilliseconds() const override { return milliseconds_; }
  // Sets it back if negative.
  void AdvanceMilliseconds(int64_t milliseconds) { milliseconds_ += milliseconds; }
  void AdvanceSeconds(int64_t seconds) { milliseconds_ += seconds * 1000; }

 private:
  std::atomic<int64_t> milliseconds_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_MANUAL_CLOCK_H_
