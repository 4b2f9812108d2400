#include "tests/agent/watch/shifted_time.h"

#include <atomic>
#include <ctime>

namespace {

std::atomic<int64_t> shift_seconds{0};

}  // namespace

extern "C" {

int __real_clock_gettime(clockid_t clock, timespec* time);

int __wrap_clock_gettime(clockid_t clock, timespec* time) {
  const int result = __real_clock_gettime(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += shift_seconds;
  return result;
}

}  // extern "C"

namespace fleetqshape::test {

ShiftedTime::ShiftedTime(int64_t seconds) { shift_seconds = seconds; }

ShiftedTime::~ShiftedTime() { shift_seconds = 0; }

}  // namespace fleetqshape::test
