#include "tests/agent/watch/file_times.h"

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace {

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

std::atomic<int64_t> shift_nanoseconds{0};
std::atomic<int64_t> tick_nanoseconds{1};

int Coarsened(int result, struct stat* status) {
  if (result == 0) status->st_ctim.tv_nsec -= status->st_ctim.tv_nsec % tick_nanoseconds;
  return result;
}

}  // namespace

// The names that the linker gives to a wrapped function, and to the one in its place.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

int __real_clock_gettime(clockid_t clock, timespec* time);
int __real_fstat(int fd, struct stat* status);
int __real_fstatat(int directory_fd, const char* path, struct stat* status, int flags);

int __wrap_clock_gettime(clockid_t clock, timespec* time) {
  const int result = __real_clock_gettime(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) {
    const int64_t shifted =
        time->tv_sec * kNanosecondsPerSecond + time->tv_nsec + shift_nanoseconds;
    time->tv_sec = shifted / kNanosecondsPerSecond;
    time->tv_nsec = shifted % kNanosecondsPerSecond;
  }
  return result;
}

int __wrap_fstat(int fd, struct stat* status) {
  return Coarsened(__real_fstat(fd, status), status);
}

int __wrap_fstatat(int directory_fd, const char* path, struct stat* status, int flags) {
  return Coarsened(__real_fstatat(directory_fd, path, status, flags), status);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)

namespace fleetqshape::test {

ShiftedTime::ShiftedTime(std::chrono::milliseconds shift) {
  shift_nanoseconds = std::chrono::nanoseconds(shift).count();
}

ShiftedTime::~ShiftedTime() { shift_nanoseconds = 0; }

CoarseFileTimes::CoarseFileTimes(std::chrono::nanoseconds tick) { tick_nanoseconds = tick.count(); }

CoarseFileTimes::~CoarseFileTimes() { tick_nanoseconds = 1; }

}  // namespace fleetqshape::test
