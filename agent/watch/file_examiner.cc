#include "agent/watch/file_examiner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "common/base/file_descriptor.h"
#include "common/postfix/queue_directory.h"

namespace fleetqshape {
namespace {

using postfix::Dialect;

// True if another change can no longer leave the same time of change behind.
bool IsSettled(const struct stat& status) {
  constexpr time_t kTickSeconds = 2;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const time_t age = now.tv_sec - status.st_ctim.tv_sec;
  return age > kTickSeconds || (age == kTickSeconds && now.tv_nsec > status.st_ctim.tv_nsec);
}

}  // namespace

FileState FileExaminer::StateOf(Place place, const struct stat& status, FileKind kind) const {
  FileState state;
  state.kind = kind;
  // Nothing tells when a read error is over.
  const bool may_differ_unseen = (kind == FileKind::kDamaged && reader_.read_failed()) ||
                                 (!told_of_changes_ && !IsSettled(status));
  state.version = may_differ_unseen ? kUnknownVersion : VersionOf(status);
  state.force_expired = (status.st_mode & S_IXGRP) != 0;
  // postdrop makes files that all may read.
  state.group_readable = place.queue != Queue::kMaildrop && (status.st_mode & S_IRGRP) != 0;
  state.linked_inode = status.st_nlink > 1 ? status.st_ino : 0;
  return state;
}

FileKind FileExaminer::Read(int fd, const struct stat& status) {
  ++files_read_;
  switch (reader_.Read(fd, status, Dialect::kPostfix, &envelope_)) {
    case postfix::QueueFileKind::kMessage:
      return FileKind::kMessage;
    case postfix::QueueFileKind::kNoRecipients:
      return FileKind::kNoRecipients;
    case postfix::QueueFileKind::kForeign:
      return FileKind::kForeign;
    case postfix::QueueFileKind::kDamaged:
      break;
  }
  return FileKind::kDamaged;
}

FileExaminer::Outcome FileExaminer::Examine(int directory_fd, Place place, const char* name,
                                            Details* details) {
  struct stat status {};
  const FileDescriptor file(postfix::OpenQueueFile(directory_fd, name, &status));
  if (!file.valid()) return ExplainFailure(errno, directory_fd, place, name, details);
  const FileKind kind = postfix::IsReadyMode(status.st_mode, Dialect::kPostfix)
                            ? Read(file.get(), status)
                            : FileKind::kBeingWritten;
  model_.Put(place, name, StateOf(place, status, kind),
             kind == FileKind::kMessage ? &envelope_ : nullptr);
  return Outcome::kExamined;
}

FileExaminer::Outcome FileExaminer::ExplainFailure(int error, int directory_fd, Place place,
                                                   const char* name, Details* details) {
  struct stat status {};
  switch (error) {
    case ENOENT:
      return Outcome::kGone;
    case EACCES:
    case EPERM:
      if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return Outcome::kGone;
      if (!S_ISREG(status.st_mode)) return Outcome::kNoFile;
      if (postfix::IsReadyMode(status.st_mode, Dialect::kPostfix)) {
        details->state = StateOf(place, status, FileKind::kUnreadable);
        return Outcome::kUnreadable;
      }
      model_.Put(place, name, StateOf(place, status, FileKind::kBeingWritten), nullptr);
      return Outcome::kExamined;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
      details->problem = absl::UnavailableError(absl::StrCat(name, ": ", std::strerror(error)));
      return Outcome::kTryAgain;
    default:
      return Outcome::kNoFile;
  }
}

}  // namespace fleetqshape
