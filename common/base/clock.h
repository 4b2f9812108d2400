// Time, as something that a program is given, so that a test can hold it.
#ifndef FLEETQSHAPE_COMMON_BASE_CLOCK_H_
#define FLEETQSHAPE_COMMON_BASE_CLOCK_H_

#include <cstdint>

namespace fleetqshape {

// One moment on both clocks.
struct Moment {
  int64_t wall_milliseconds = 0;
  int64_t monotonic_milliseconds = 0;
};

// Implementations are safe for use by several threads.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time since the Unix epoch: what others are told. It may jump.
  virtual int64_t NowMilliseconds() const = 0;
  // Time since some moment, which never jumps nor goes back: for measuring how long something took.
  virtual int64_t MonotonicMilliseconds() const = 0;
  Moment Now() const { return {NowMilliseconds(), MonotonicMilliseconds()}; }
  // Whole seconds, rounded down, as time(2) gives them.
  int64_t NowSeconds() const {
    const int64_t milliseconds = NowMilliseconds();
    return milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0);
  }
};

// The machine's own clock.
class SystemClock final : public Clock {
 public:
  int64_t NowMilliseconds() const override;
  int64_t MonotonicMilliseconds() const override;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_CLOCK_H_
