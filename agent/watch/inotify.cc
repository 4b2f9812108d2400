#include "agent/watch/inotify.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace fleetqshape {
namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;

absl::Status ErrnoStatus(int error, std::string_view what) {
  const std::string text =
      absl::StrCat(absl::string_view(what.data(), what.size()), ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(text);
    case ENOSPC:
      return absl::ResourceExhaustedError(text + " (fs.inotify.max_user_watches)");
    case EMFILE:
      return absl::ResourceExhaustedError(text + " (fs.inotify.max_user_instances)");
    case ENFILE:
    case ENOMEM:
      return absl::ResourceExhaustedError(text);
    default:
      return absl::UnavailableError(text);
  }
}

}  // namespace

Inotify::Inotify(FileDescriptor fd) : fd_(std::move(fd)), buffer_(new char[kBufferBytes]) {}

absl::StatusOr<Inotify> Inotify::Create() {
  FileDescriptor fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "inotify_init1");
  return Inotify(std::move(fd));
}

absl::StatusOr<int> Inotify::Watch(int directory_fd, uint32_t mask) {
  // By the descriptor: a path could meanwhile lead elsewhere.
  const std::string path = absl::StrCat("/proc/self/fd/", directory_fd);
  const int watch = inotify_add_watch(fd_.get(), path.c_str(), mask | IN_ONLYDIR);
  if (watch < 0) return ErrnoStatus(errno, "inotify_add_watch");
  return watch;
}

void Inotify::Unwatch(int watch) { inotify_rm_watch(fd_.get(), watch); }

void Inotify::Read(absl::FunctionRef<void(const Event&)> handle) {
  for (;;) {
    const ssize_t count = read(fd_.get(), buffer_.get(), kBufferBytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    for (ssize_t offset = 0; offset < count;) {
      inotify_event event;
      std::memcpy(&event, buffer_.get() + offset, sizeof event);
      // The name is padded with NULs.
      const char* name = buffer_.get() + offset + sizeof event;
      handle({event.wd, event.mask, event.cookie,
              event.len > 0 ? std::string_view(name) : std::string_view()});
      offset += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

}  // namespace fleetqshape
