#include "agent/watch/queue_lister.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/postfix/queue_file.h"

namespace fleetqshape {
namespace {

using postfix::Dialect;
using Sight = QueueModel::Sight;
using Outcome = FileExaminer::Outcome;

// In the direction in which mail moves, so that a message which moves on during a pass is seen
// again, not missed; and some once more at the end, for mail that goes the other way: back to
// active, or on hold or requeued by the postmaster.
constexpr std::array<Queue, 8> kListingOrder = {
    Queue::kMaildrop, Queue::kHold,   Queue::kIncoming, Queue::kActive,
    Queue::kDeferred, Queue::kActive, Queue::kHold,     Queue::kMaildrop};

constexpr uint64_t kLooksBetweenBreaths = 512;

}  // namespace

absl::Status QueueLister::Pass(std::function<bool()> breathe) {
  Hooks hooks;
  hooks.breathe = std::move(breathe);
  std::set<Queue> listed;
  tree_.model.BeginPass();
  const absl::Status status = Walk(hooks, &listed);
  tree_.model.EndPass(listed);
  return status;
}

absl::Status QueueLister::Walk(const Hooks& hooks, std::set<Queue>* listed) {
  ++counters_.passes;
  hooks_ = &hooks;
  cancelled_ = false;
  listed->clear();
  const auto root = tree_.OpenRoot();
  if (!root.ok()) {
    ++counters_.incomplete_passes;
    return root.status();
  }
  listed->insert(kAllQueues.begin(), kAllQueues.end());
  absl::Status result;
  for (Queue queue : kListingOrder) {
    const absl::Status status = ListQueue(root->get(), queue);
    if (cancelled_) {
      listed->clear();
      return absl::CancelledError("the listing was ended");
    }
    if (!status.ok()) listed->erase(queue);
    result.Update(status);
  }
  if (!result.ok()) ++counters_.incomplete_passes;
  return result;
}

absl::Status QueueLister::List(const Hooks& hooks, int root_fd, DirectoryId directory) {
  hooks_ = &hooks;
  cancelled_ = false;
  return ListDirectory(root_fd, directory);
}

absl::Status QueueLister::ListQueue(int root_fd, Queue queue) {
  readable_files_ = 0;
  unreadable_files_.clear();
  absl::Status status =
      ListDirectory(root_fd, tree_.directories.Ensure(queue, QueueName(queue), 0));
  // One odd file must not stop the rest; a queue of which nothing may be read is not an empty one.
  if (status.ok() && !unreadable_files_.empty() && readable_files_ == 0) {
    status = absl::PermissionDeniedError(
        absl::StrCat("none of its ", unreadable_files_.size(), " messages may be read"));
  }
  if (status.ok()) {
    for (const Unreadable& file : unreadable_files_) {
      tree_.model.Put(file.place, file.name, file.state, nullptr);
    }
  }
  // A queue that does not exist has no messages.
  if (status.ok() || absl::IsNotFound(status)) return absl::OkStatus();
  return absl::Status(status.code(), absl::StrCat(tree_.path, "/", std::string(QueueName(queue)),
                                                  ": ", status.message()));
}

absl::Status QueueLister::ListDirectory(int root_fd, DirectoryId id) {
  const DirectoryTable::Directory directory = tree_.directories.At(id);  // a copy: the table grows
  FQS_ASSIGN_OR_RETURN(const FileDescriptor fd,
                       postfix::OpenDirectoryBeneath(root_fd, directory.path.c_str()));
  if (hooks_->enter) FQS_RETURN_IF_ERROR(hooks_->enter(id, fd.get()));
  std::vector<std::string> subdirectories;
  absl::Status looked;
  std::swap(looked, looked_);
  postfix::DirectoryReader reader;
  absl::Status result = reader.ForEachEntry(fd.get(), [&](const postfix::DirectoryEntry& entry) {
    if (entry.type == DT_DIR) {
      if (directory.depth < kMaxDepth) subdirectories.emplace_back(entry.name);
    } else if (entry.type == DT_REG && postfix::IsQueueFileName(entry.name, Dialect::kPostfix)) {
      LookAt(root_fd, fd.get(), id, entry.name);
    }
  });
  std::swap(looked, looked_);
  if (cancelled_) return absl::OkStatus();  // Walk tells
  result.Update(looked);
  for (const std::string& name : subdirectories) {
    const DirectoryId subdirectory =
        tree_.directories.Ensure(directory.queue, directory.path + "/" + name, directory.depth + 1);
    const absl::Status status = ListDirectory(root_fd, subdirectory);
    // Postfix may remove an empty hash directory; a link in its place is not followed.
    if (!absl::IsNotFound(status) && !absl::IsFailedPrecondition(status)) result.Update(status);
  }
  return result;
}

void QueueLister::LookAt(int root_fd, int directory_fd, DirectoryId id, std::string_view name) {
  if (cancelled_) return;
  if (++looks_ % kLooksBetweenBreaths == 0 && hooks_->breathe && !hooks_->breathe()) {
    cancelled_ = true;
    return;
  }
  struct stat status {};
  if (fstatat(directory_fd, name.data(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;  // moved on
  if (!S_ISREG(status.st_mode)) return;
  const Place place = tree_.directories.PlaceOf(id);
  const FileVersion version = VersionOf(status);
  const Sight sight = tree_.model.See(place, name, version);
  if (sight != Sight::kSame && hooks_->unexpected) {
    hooks_->unexpected(place, name, version);
    return;
  }
  if (sight == Sight::kUnknown) RemoveElsewhere(root_fd, name, id);
  if (sight != Sight::kSame) {
    FileExaminer::Details details;
    const Outcome outcome = tree_.examiner.Examine(directory_fd, place, name.data(), &details);
    if (outcome == Outcome::kTryAgain) looked_.Update(details.problem);
    if (outcome == Outcome::kUnreadable) {
      unreadable_files_.push_back({place, std::string(name), details.state});
    }
    if (outcome != Outcome::kExamined) return;
  }
  if (tree_.model.KindOf(place, name) != FileKind::kBeingWritten) ++readable_files_;
}

void QueueLister::RemoveElsewhere(int root_fd, std::string_view name, DirectoryId id) {
  for (const Place& other : tree_.model.OtherPlacesOf(name, id)) {
    const auto directory =
        postfix::OpenDirectoryBeneath(root_fd, tree_.directories.At(other.directory).path.c_str());
    struct stat status {};
    const bool gone = directory.ok() ? fstatat(directory->get(), std::string(name).c_str(), &status,
                                               AT_SYMLINK_NOFOLLOW) != 0 &&
                                           errno == ENOENT
                                     : absl::IsNotFound(directory.status());
    if (gone) tree_.model.Remove(other, name);
  }
}

}  // namespace fleetqshape
