// A clock that stands still until it is moved.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_MANUAL_CLOCK_H_
#define FLEETQSHAPE_TESTS_SUPPORT_MANUAL_CLOCK_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "common/base/clock.h"

namespace fleetqshape::test {

// Safe for use by several threads.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t seconds = 1'700'000'000) : milliseconds_(seconds * 1000) {}

  int64_t NowMilliseconds() const override { return milliseconds_; }
  int64_t MonotonicMilliseconds() const override { return monotonic_milliseconds_; }
  // Time passes; if negative, the wall clock is set back.
  void AdvanceMilliseconds(int64_t milliseconds) {
    milliseconds_ += milliseconds;
    monotonic_milliseconds_ += std::max<int64_t>(milliseconds, 0);
  }
  void AdvanceSeconds(int64_t seconds) { AdvanceMilliseconds(seconds * 1000); }
  // The wall clock is set; no time passes.
  void JumpSeconds(int64_t seconds) { milliseconds_ += seconds * 1000; }

 private:
  std::atomic<int64_t> milliseconds_;
  std::atomic<int64_t> monotonic_milliseconds_{1'000'000};
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_MANUAL_CLOCK_H_
