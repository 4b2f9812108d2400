// Time, as something that a program is given, so that a test can hold it.
#ifndef FLEETQSHAPE_COMMON_BASE_CLOCK_H_
#define FLEETQSHAPE_COMMON_BASE_CLOCK_H_

#include <cstdint>

namespace fleetqshape {

// Wall-clock time since the Unix epoch. Implementations are safe for use by several threads.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowMilliseconds() const = 0;
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
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_CLOCK_H_
