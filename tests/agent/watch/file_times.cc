#include "tests/agent/watch/file_times.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <cstdarg>
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
long __real_syscall(long number, ...);
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

// postfix::OpenQueueFile's fstat is a system call by number. No call takes more than six arguments.
// Arguments that were not given are whatever stands there, which the call takes no notice of.
[[gnu::no_sanitize_address]] long __wrap_syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  std::array<long, 6> arguments{};
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  const auto& [a, b, c, d, e, f] = arguments;
  const long result = __real_syscall(number, a, b, c, d, e, f);
  if (number != SYS_fstat) return result;
  return Coarsened(static_cast<int>(result), reinterpret_cast<struct stat*>(b));
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
