#include "tests/bench/queue_entry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/message_source.h"

namespace fleetqshape {
namespace {

// The size record, the first of each message: a type, a length, six columns.
constexpr size_t kSizeRecordBytes = 2 + 6 * 15 + 5;

}  // namespace

void FailWithErrno(const std::string& what) {
  std::perror(what.c_str());
  std::exit(1);
}

void BecomeOwnerOf(const std::string& directory) {
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0) FailWithErrno(directory);
  if (geteuid() != 0) return;
  if (setgid(status.st_gid) != 0 || setuid(status.st_uid) != 0) FailWithErrno("setuid");
}

QueueEntry EnterQueue() {
  for (;;) {
    timeval now{};
    gettimeofday(&now, nullptr);
    const std::string temporary = Format("incoming/%ld.%d", now.tv_usec, getpid());
    FileDescriptor file(open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
    if (!file.valid()) {
      if (errno == EEXIST) continue;  // two in one microsecond
      FailWithErrno(temporary);
    }
    struct stat status {};
    if (fstat(file.get(), &status) != 0) FailWithErrno(temporary);
    QueueEntry entry{Format("%05lX%lX", now.tv_usec, status.st_ino), std::move(file)};
    const std::string path = "incoming/" + entry.id;
    if (rename(temporary.c_str(), path.c_str()) != 0) FailWithErrno(path);
    return entry;
  }
}

void CompleteEntry(const QueueEntry& entry, std::string_view bytes) {
  const int file = entry.file.get();
  // cleanup writes 4096 bytes at a time.
  for (size_t at = 0; at < bytes.size(); at += 4096) {
    const std::string_view part = bytes.substr(at, 4096);
    if (write(file, part.data(), part.size()) != static_cast<ssize_t>(part.size())) {
      FailWithErrno(entry.id);
    }
  }
  if (pwrite(file, bytes.data(), kSizeRecordBytes, 0) != kSizeRecordBytes) FailWithErrno(entry.id);
  if (fchmod(file, 0700) != 0) FailWithErrno(entry.id);
}

}  // namespace fleetqshape
