// What the code under test is told of the time and of the times of files, as the linker's --wrap
// lets us. The files' own times stay the kernel's.
#ifndef FLEETQSHAPE_TESTS_AGENT_WATCH_FILE_TIMES_H_
#define FLEETQSHAPE_TESTS_AGENT_WATCH_FILE_TIMES_H_

#include <chrono>

namespace fleetqshape::test {

// While it lives, clock_gettime's CLOCK_REALTIME is that far ahead (behind if negative). One at a
// time.
class ShiftedTime {
 public:
  explicit ShiftedTime(std::chrono::milliseconds shift);
  ~ShiftedTime();
  ShiftedTime(const ShiftedTime&) = delete;
  ShiftedTime& operator=(const ShiftedTime&) = delete;
};

// While it lives, fstat and fstatat give times of change rounded down to whole `ticks`, which a
// second is a multiple of. The file system that a test runs on may give each change a time of its
// own; others have ticks of 4 ms, or, with small inodes, of a second. One at a time.
class CoarseFileTimes {
 public:
  explicit CoarseFileTimes(std::chrono::nanoseconds tick);
  ~CoarseFileTimes();
  CoarseFileTimes(const CoarseFileTimes&) = delete;
  CoarseFileTimes& operator=(const CoarseFileTimes&) = delete;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGENT_WATCH_FILE_TIMES_H_
