#include "common/base/clock.h"

#include <ctime>

namespace fleetqshape {

int64_t SystemClock::NowMilliseconds() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace fleetqshape
