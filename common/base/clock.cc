#include "common/base/clock.h"

#include <ctime>

namespace fleetqshape {

namespace {

int64_t Milliseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

int64_t SystemClock::NowMilliseconds() const { return Milliseconds(CLOCK_REALTIME); }

// A relay that was suspended was silent, too.
int64_t SystemClock::MonotonicMilliseconds() const { return Milliseconds(CLOCK_BOOTTIME); }

}  // namespace fleetqshape
