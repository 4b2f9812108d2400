#include "common/postfix/queue_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace fleetqshape::postfix {
namespace {

// Also the share of a directory that one of several threads takes at a time.
constexpr size_t kBufferBytes = size_t{32} << 10;
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

absl::Status ErrnoStatus(int error) {
  const char* text = std::strerror(error);
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(text);
    case ENOTDIR:
    case ELOOP:
      return absl::FailedPreconditionError(text);
    default:
      return absl::UnavailableError(text);
  }
}

// glibc's fstat is fstatat with an empty path, which costs the kernel more
// (sysdeps/unix/sysv/linux/ fstat64.c); a scan makes one for each file. On 64-bit systems both fill
// in the same structure.
int StatusOf(int fd, struct stat* status) {
#if defined(SYS_fstat) && defined(__LP64__)
  return static_cast<int>(syscall(SYS_fstat, fd, status));
#else
  return fstat(fd, status);
#endif
}

// For file systems that don't tell the type in the directory.
unsigned char EntryType(int directory_fd, const char* name) {
  struct stat status {};
  if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return IFTODT(status.st_mode);
}

}  // namespace

DirectoryReader::DirectoryReader() : buffer_(new char[kBufferBytes]) {}

absl::Status DirectoryReader::ForEachEntry(int directory_fd,
                                           absl::FunctionRef<void(const DirectoryEntry&)> visit) {
  for (;;) {
    const long count = syscall(SYS_getdents64, directory_fd, buffer_.get(), kBufferBytes);
    if (count < 0 && errno == EINTR) continue;
    // ENOENT: the directory itself was removed while it was being read. It has no entries then.
    if (count == 0 || (count < 0 && errno == ENOENT)) return absl::OkStatus();
    if (count < 0) return absl::UnavailableError(std::strerror(errno));
    for (long offset = 0; offset < count;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer_.get() + offset);
      offset += entry->d_reclen;
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      const unsigned char type =
          entry->d_type != DT_UNKNOWN ? entry->d_type : EntryType(directory_fd, entry->d_name);
      visit({name, entry->d_ino, type});
    }
  }
}

absl::StatusOr<FileDescriptor> OpenDirectory(const char* path) {
  const int fd = open(path, kDirectoryFlags);
  if (fd < 0) return ErrnoStatus(errno);
  return FileDescriptor(fd);
}

absl::StatusOr<FileDescriptor> OpenDirectoryBeneath(int root_fd, const char* relative_path) {
  open_how how{};
  how.flags = kDirectoryFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  const long fd = syscall(SYS_openat2, root_fd, relative_path, &how, sizeof how);
  if (fd >= 0) return FileDescriptor(static_cast<int>(fd));
  // Linux before 5.6, or a filter of system calls that is older than that.
  if (errno == ENOSYS || errno == EPERM) return OpenDirectoryStepwise(root_fd, relative_path);
  return ErrnoStatus(errno);
}

absl::StatusOr<FileDescriptor> OpenDirectoryStepwise(int root_fd, const char* relative_path) {
  struct stat root {};
  if (fstat(root_fd, &root) != 0) return ErrnoStatus(errno);
  FileDescriptor directory;
  if (relative_path[0] == '/') return ErrnoStatus(EXDEV);
  for (const absl::string_view part : absl::StrSplit(relative_path, '/', absl::SkipEmpty())) {
    if (part == "..") return ErrnoStatus(EXDEV);
    const int above = directory.valid() ? directory.get() : root_fd;
    FileDescriptor next(openat(above, std::string(part).c_str(), kDirectoryFlags));
    if (!next.valid()) return ErrnoStatus(errno);
    struct stat status {};
    if (fstat(next.get(), &status) != 0) return ErrnoStatus(errno);
    if (status.st_dev != root.st_dev) return ErrnoStatus(EXDEV);
    directory = std::move(next);
  }
  if (!directory.valid()) return ErrnoStatus(ENOENT);
  return directory;
}

int OpenQueueFile(int directory_fd, const char* name, struct stat* status) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int fd = openat(directory_fd, name, kFlags | O_NOATIME);
  // Only the file's owner and CAP_FOWNER may ask for that; maildrop's files have many owners.
  if (fd < 0 && errno == EPERM) fd = openat(directory_fd, name, kFlags);
  if (fd < 0) return -1;
  if (StatusOf(fd, status) == 0 && S_ISREG(status->st_mode)) return fd;
  close(fd);
  errno = EINVAL;
  return -1;
}

}  // namespace fleetqshape::postfix
