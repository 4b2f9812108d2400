#include "agent/watch/queue_lister.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace fleetqshape {
namespace {

using postfix::Dialect;

// In the direction in which mail moves, so that a message which moves on during a pass is seen
// again, not missed; and some once more at the end, for mail that goes the other way: back to
// active, or on hold or requeued by the postmaster.
constexpr std::array<Queue, 8> kListingOrder = {
    Queue::kMaildrop, Queue::kHold,   Queue::kIncoming, Queue::kActive,
    Queue::kDeferred, Queue::kActive, Queue::kHold,     Queue::kMaildrop};

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

int64_t Nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * kNanosecondsPerSecond + time.tv_nsec;
}

// File times have the kernel's tick for resolution (4 ms), on some file systems a whole second: a
// file that changed just now may change again without a new ctime. Such a version matches no later
// status.
QueueModel::FileVersion VersionOf(Queue queue, const struct stat& status) {
  constexpr int64_t kUnknown = -1;
  constexpr int64_t kSettled = 2 * kNanosecondsPerSecond;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t ctime = Nanoseconds(status.st_ctim);
  return {queue, Nanoseconds(now) - ctime > kSettled ? ctime : kUnknown, status.st_size};
}

absl::Status Annotate(const absl::Status& status, std::string_view what) {
  return absl::Status(status.code(), absl::StrCat(absl::string_view(what.data(), what.size()), ": ",
                                                  status.message()));
}

}  // namespace

QueueLister::QueueLister(std::string queue_directory, QueueModel* model)
    : queue_directory_(std::move(queue_directory)), model_(*model) {}

absl::Status QueueLister::Pass() {
  ++counters_.passes;
  // The queue directory itself may be a symbolic link: whoever configured it wants it so.
  const std::string path = queue_directory_ + "/.";
  const auto root = postfix::OpenDirectory(path.c_str());
  if (!root.ok()) {
    ++counters_.incomplete_passes;
    return Annotate(root.status(), queue_directory_);
  }
  model_.BeginPass();
  absl::Status result;
  // A queue that does not exist has no messages; a directory without any is not Postfix's.
  if (std::none_of(kAllQueues.begin(), kAllQueues.end(), [&](Queue queue) {
        return faccessat(root->get(), std::string(QueueName(queue)).c_str(), F_OK, 0) == 0;
      })) {
    ++counters_.incomplete_passes;
    return absl::FailedPreconditionError(
        absl::StrCat(queue_directory_,
                     " has none of maildrop, hold, incoming, active and "
                     "deferred: is it Postfix's queue_directory?"));
  }
  std::set<Queue> listed(kAllQueues.begin(), kAllQueues.end());
  for (Queue queue : kListingOrder) {
    const absl::Status status = ListQueue(root->get(), queue);
    if (!status.ok()) listed.erase(queue);
    result.Update(status);
  }
  if (!result.ok()) ++counters_.incomplete_passes;
  model_.EndPass(listed);
  return result;
}

absl::Status QueueLister::ListQueue(int root_fd, Queue queue) {
  const std::string name(QueueName(queue));
  readable_files_ = 0;
  unreadable_files_ = 0;
  absl::Status status = ListDirectory(root_fd, name.c_str(), queue, 0);
  // One odd file must not stop the rest; a queue of which nothing may be read is not an empty one.
  if (status.ok() && unreadable_files_ > 0 && readable_files_ == 0) {
    status = absl::PermissionDeniedError(
        absl::StrCat("none of its ", unreadable_files_, " messages may be read"));
  }
  // A queue that does not exist has no messages.
  if (absl::IsNotFound(status)) return absl::OkStatus();
  return status.ok() ? status : Annotate(status, queue_directory_ + "/" + name);
}

absl::Status QueueLister::ListDirectory(int parent_fd, const char* name, Queue queue, int depth) {
  auto directory = postfix::OpenDirectoryBeneath(parent_fd, name);
  if (!directory.ok()) return directory.status();
  std::vector<std::string> subdirectories;
  absl::Status looked;
  postfix::DirectoryReader directory_reader;
  absl::Status result =
      directory_reader.ForEachEntry(directory->get(), [&](const postfix::DirectoryEntry& entry) {
        if (entry.type == DT_DIR) {
          if (depth < kMaxDepth) subdirectories.emplace_back(entry.name);
        } else if (entry.type == DT_REG &&
                   postfix::IsQueueFileName(entry.name, Dialect::kPostfix)) {
          looked.Update(LookAt(directory->get(), entry.name.data(), queue));
        }
      });
  result.Update(looked);
  for (const std::string& subdirectory : subdirectories) {
    absl::Status status = ListDirectory(directory->get(), subdirectory.c_str(), queue, depth + 1);
    // Postfix may remove an empty hash directory; a link in its place is not followed.
    if (!absl::IsNotFound(status) && !absl::IsFailedPrecondition(status)) result.Update(status);
  }
  return result;
}

absl::Status QueueLister::LookAt(int directory_fd, const char* name, Queue queue) {
  struct stat status {};
  if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return absl::OkStatus();  // moved on
  if (!S_ISREG(status.st_mode) || !postfix::IsReadyMode(status.st_mode, Dialect::kPostfix))
    return absl::OkStatus();
  const QueueModel::FileVersion seen{queue, Nanoseconds(status.st_ctim), status.st_size};
  if (model_.See(status.st_ino, seen)) {
    ++readable_files_;
    return absl::OkStatus();
  }

  const FileDescriptor file(postfix::OpenQueueFile(directory_fd, name, &status));
  if (!file.valid() && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO)) {
    // It is there, only not to be had for now: it must not count as gone.
    return absl::UnavailableError(absl::StrCat(name, ": ", std::strerror(errno)));
  }
  if (!file.valid() && (errno == EACCES || errno == EPERM)) ++unreadable_files_;
  if (!file.valid() || !postfix::IsReadyMode(status.st_mode, Dialect::kPostfix))
    return absl::OkStatus();
  ++readable_files_;
  ++counters_.files_read;
  const auto version = VersionOf(queue, status);
  const auto kind = reader_.Read(file.get(), status, Dialect::kPostfix, &envelope_);
  model_.Put(status.st_ino, version,
             kind == postfix::QueueFileKind::kMessage ? &envelope_ : nullptr);
  return absl::OkStatus();
}

}  // namespace fleetqshape
