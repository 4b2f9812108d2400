// Moves the time that clock_gettime tells to the code under test, as the linker's
// --wrap=clock_gettime lets us. The times of files stay the kernel's.
#ifndef FLEETQSHAPE_TESTS_AGENT_WATCH_SHIFTED_TIME_H_
#define FLEETQSHAPE_TESTS_AGENT_WATCH_SHIFTED_TIME_H_

#include <cstdint>

namespace fleetqshape::test {

// While it lives, CLOCK_REALTIME is `seconds` ahead (behind if negative). One at a time.
class ShiftedTime {
 public:
  explicit ShiftedTime(int64_t seconds);
  ~ShiftedTime();
  ShiftedTime(const ShiftedTime&) = delete;
  ShiftedTime& operator=(const ShiftedTime&) = delete;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGENT_WATCH_SHIFTED_TIME_H_
