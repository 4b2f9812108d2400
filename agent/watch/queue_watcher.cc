#include "agent/watch/queue_watcher.h"

#include <sys/inotify.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/postfix/queue_directory.h"
#include "common/postfix/queue_file.h"

namespace fleetqshape {
namespace {

using Outcome = FileExaminer::Outcome;
using Sight = QueueModel::Sight;

constexpr uint32_t kRootMask =
    IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
// Recipients are marked as done one by one while delivery agents keep the file open; mostly in
// active, but it may meanwhile be held, released or requeued. So each write counts, and that a file
// is closed says nothing.
constexpr uint32_t kQueueMask = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB |
                                IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK;

// A file that changed, but is not there, has moved on, and an event that says so is on its way. If
// none comes, it was lost.
constexpr int kTriesWithoutFile = 2;
constexpr size_t kLooksBetweenDrains = 256;

bool IsMessageName(std::string_view name) {
  return postfix::IsQueueFileName(name, postfix::Dialect::kPostfix);
}

}  // namespace

QueueWatcher::QueueWatcher(QueueTree* tree, Inotify inotify, std::function<bool()> breathe)
    : tree_(*tree), inotify_(std::move(inotify)), lister_(tree), breathe_(std::move(breathe)) {
  tree_.directories.ForgetWatches();
  tree_.examiner.set_told_of_changes(true);
}

absl::StatusOr<std::unique_ptr<QueueWatcher>> QueueWatcher::Create(QueueTree* tree,
                                                                   std::function<bool()> breathe) {
  FQS_ASSIGN_OR_RETURN(Inotify inotify, Inotify::Create());
  auto watcher =
      std::unique_ptr<QueueWatcher>(new QueueWatcher(tree, std::move(inotify), std::move(breathe)));
  watcher->List().IgnoreError();  // the first Settle does it again if it must, and tells
  if (!watcher->cannot_watch_.ok()) return watcher->cannot_watch_;
  return watcher;
}

void QueueWatcher::Drain() {
  TakeEvents();
  ListNewDirectories();
}

void QueueWatcher::TakeEvents() {
  inotify_.Read([this](const Inotify::Event& event) { Handle(event); });
}

void QueueWatcher::Handle(const Inotify::Event& event) {
  ++counters_.events;
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    ++counters_.overflows;
    must_list_ = true;
    lost_events_ = true;
    return;
  }
  if (event.watch == root_watch_) {
    HandleOfRoot(event);
    return;
  }
  const DirectoryId directory = tree_.directories.OfWatch(event.watch);
  if (directory == kNoDirectory) return;  // of a watch that was taken away
  if ((event.mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
    HandleLostWatch(directory);
  } else if ((event.mask & IN_ISDIR) != 0) {
    HandleDirectory(directory, event);
  } else if (!event.name.empty()) {
    HandleFile(directory, event);
  }
}

// A queue came, went or was exchanged, or the queue directory was.
void QueueWatcher::HandleOfRoot(const Inotify::Event& event) {
  const bool queue = std::any_of(kAllQueues.begin(), kAllQueues.end(),
                                 [&](Queue one) { return QueueName(one) == event.name; });
  if (event.name.empty() || queue) must_list_ = true;
}

void QueueWatcher::HandleLostWatch(DirectoryId directory) {
  tree_.directories.SetWatch(directory, kNoWatch);
  must_list_ = true;
}

void QueueWatcher::HandleDirectory(DirectoryId parent, const Inotify::Event& event) {
  if (event.name.empty()) return;
  const DirectoryTable::Directory& above = tree_.directories.At(parent);
  const std::string path = absl::StrCat(above.path, "/", std::string(event.name));
  if ((event.mask & (IN_MOVED_FROM | IN_DELETE)) != 0) {
    const DirectoryId gone = tree_.directories.Find(path);
    if (gone == kNoDirectory) return;
    // If it is now elsewhere, its events would be taken for those of this place.
    const int watch = tree_.directories.At(gone).watch;
    if ((event.mask & IN_MOVED_FROM) != 0 && watch != kNoWatch) inotify_.Unwatch(watch);
    HandleLostWatch(gone);
    return;
  }
  if ((event.mask & (IN_CREATE | IN_MOVED_TO)) == 0) return;
  if (above.depth >= QueueLister::kMaxDepth) return;
  new_directories_.push_back(tree_.directories.Ensure(above.queue, path, above.depth + 1));
}

// What came into a directory before it was watched is found by listing it.
void QueueWatcher::ListNewDirectories() {
  if (new_directories_.empty()) return;
  std::vector<DirectoryId> directories;
  directories.swap(new_directories_);
  const auto root = tree_.OpenRoot();
  if (!root.ok()) must_list_ = true;
  QueueLister::Hooks hooks;
  hooks.enter = [this](DirectoryId entered, int fd) { return StartWatching(entered, fd); };
  hooks.unexpected = [this](Place place, std::string_view name, FileVersion) {
    MarkChanged(place.directory, name);
  };
  for (const DirectoryId directory : directories) {
    if (must_list_) return;
    const absl::Status status = lister_.List(hooks, root->get(), directory);
    if (!status.ok() && !absl::IsNotFound(status)) must_list_ = true;
  }
}

void QueueWatcher::HandleFile(DirectoryId directory, const Inotify::Event& event) {
  if ((event.mask & IN_MOVED_TO) != 0) {
    MoveIn(directory, event);
    return;
  }
  if (!IsMessageName(event.name)) return;
  if ((event.mask & IN_MOVED_FROM) != 0) {
    Name name{directory, std::string(event.name)};
    const bool changed = changed_.erase(name) > 0;
    moving_[event.cookie] = {std::move(name), changed};
  } else if ((event.mask & IN_DELETE) != 0) {
    Forget(directory, event.name);
  } else {
    MarkChanged(directory, event.name);
  }
}

void QueueWatcher::MoveIn(DirectoryId directory, const Inotify::Event& event) {
  const auto moving = moving_.find(event.cookie);
  if (moving == moving_.end()) {
    if (IsMessageName(event.name)) MarkChanged(directory, event.name);
    return;
  }
  const auto [from, changed] = std::move(moving->second);
  moving_.erase(moving);
  if (!IsMessageName(event.name)) {
    Forget(from.directory, from.name);
    return;
  }
  const bool known = tree_.model.Move(tree_.directories.PlaceOf(from.directory), from.name,
                                      tree_.directories.PlaceOf(directory), event.name);
  const Queue queue = tree_.directories.At(directory).queue;
  // On its way to delivery nothing changes in a message. Every arrival in deferred is looked at.
  const bool same = queue == Queue::kActive || queue == Queue::kIncoming;
  if (!known || changed || !same) MarkChanged(directory, event.name);
}

void QueueWatcher::MarkChanged(DirectoryId directory, std::string_view name) {
  changed_[{directory, std::string(name)}] = 0;
}

void QueueWatcher::Forget(DirectoryId directory, std::string_view name) {
  tree_.model.Remove(tree_.directories.PlaceOf(directory), name);
  changed_.erase({directory, std::string(name)});
}

void QueueWatcher::FinishMoves() {
  // The kernel makes the two events of a rename one after the other: one more look.
  if (!moving_.empty()) Drain();
  // Unless a file of that name came since: not all that moves goes to a watched directory, and
  // comes back from one.
  for (auto& [cookie, moving] : moving_) {
    changed_.try_emplace(std::move(moving.name), kTriesWithoutFile - 1);
  }
  moving_.clear();
}

absl::Status QueueWatcher::StartWatching(DirectoryId directory, int fd) {
  const auto watch = inotify_.Watch(fd, kQueueMask);
  if (!watch.ok()) return CannotWatch(watch.status());
  tree_.directories.SetWatch(directory, *watch);
  return absl::OkStatus();
}

// The directory is open: whatever the error, it is no word about the queue.
absl::Status QueueWatcher::CannotWatch(const absl::Status& reason) {
  cannot_watch_ = absl::UnavailableError(reason.message());
  return cannot_watch_;
}

QueueLister::Hooks QueueWatcher::ListingHooks() {
  QueueLister::Hooks hooks;
  hooks.enter = [this](DirectoryId directory, int fd) { return StartWatching(directory, fd); };
  hooks.breathe = [this] { return Breathe(); };
  return hooks;
}

// The kernel's queue of events is not to fill up.
bool QueueWatcher::Breathe() {
  TakeEvents();
  return !breathe_ || breathe_();
}

absl::Status QueueWatcher::List() {
  ++counters_.listings;
  must_list_ = false;
  lost_events_ = false;
  const auto root = tree_.OpenRoot();
  absl::Status status = root.status();
  if (root.ok()) {
    const auto watch = inotify_.Watch(root->get(), kRootMask);
    if (!watch.ok()) return CannotWatch(watch.status());
    root_watch_ = *watch;
    std::set<Queue> listed;
    tree_.model.BeginPass();
    status = lister_.Walk(ListingHooks(), &listed);
    Drain();
    // What the lost events told may have been seen in one place and not yet in the other.
    if (!lost_events_) tree_.model.EndPass(listed);
  }
  if (!status.ok()) must_list_ = true;
  return status;
}

absl::Status QueueWatcher::Settle(bool may_list) {
  Drain();
  absl::Status status;
  if (must_list_ && may_list) status = List();
  FinishMoves();
  status.Update(ExamineChanged());
  if (tree_.model.TakeWantsListing()) must_list_ = true;
  return status;
}

absl::Status QueueWatcher::ExamineChanged() {
  if (changed_.empty()) return absl::OkStatus();
  std::vector<Name> names;
  names.reserve(changed_.size());
  for (const auto& [name, tries] : changed_) names.push_back(name);
  std::sort(names.begin(), names.end());  // a directory is opened once
  FQS_ASSIGN_OR_RETURN(const FileDescriptor root, tree_.OpenRoot());
  absl::Status result;
  FileDescriptor directory;
  DirectoryId opened = kNoDirectory;
  size_t looks = 0;
  for (const Name& name : names) {
    if (++looks % kLooksBetweenDrains == 0 && !Breathe()) break;
    const auto changed = changed_.find(name);
    if (changed == changed_.end()) continue;  // gone or moved meanwhile
    if (opened != name.directory) {
      opened = name.directory;
      directory = FileDescriptor();
      auto fd =
          postfix::OpenDirectoryBeneath(root.get(), tree_.directories.At(opened).path.c_str());
      if (fd.ok()) directory = *std::move(fd);
      if (!fd.ok() && !absl::IsNotFound(fd.status())) result.Update(fd.status());
    }
    if (ExamineOne(directory.get(), name, &result)) changed_.erase(name);
  }
  return result;
}

bool QueueWatcher::ExamineOne(int directory_fd, const Name& name, absl::Status* result) {
  const Place place = tree_.directories.PlaceOf(name.directory);
  FileExaminer::Details details;
  const Outcome outcome =
      directory_fd < 0 ? Outcome::kGone
                       : tree_.examiner.Examine(directory_fd, place, name.name.c_str(), &details);
  switch (outcome) {
    case Outcome::kExamined:
      return true;
    case Outcome::kUnreadable:
      tree_.model.Put(place, name.name, details.state, nullptr);
      return true;
    case Outcome::kNoFile:
      tree_.model.Remove(place, name.name);
      return true;
    case Outcome::kTryAgain:
      result->Update(details.problem);
      return false;
    case Outcome::kGone:
      break;
  }
  if (++changed_[name] < kTriesWithoutFile) return false;
  tree_.model.Remove(place, name.name);
  return true;
}

absl::Status QueueWatcher::Verify() {
  ++counters_.verifications;
  std::vector<Suspect> suspects;
  QueueLister::Hooks hooks = ListingHooks();
  hooks.unexpected = [&](Place place, std::string_view name, FileVersion version) {
    suspects.push_back({{place.directory, std::string(name)}, version});
  };
  lost_events_ = false;
  std::set<Queue> listed;
  tree_.model.BeginPass();
  absl::Status status = lister_.Walk(hooks, &listed);
  Drain();
  FinishMoves();
  if (lost_events_) return status;  // a full listing follows
  if (!status.ok()) must_list_ = true;
  status.Update(ExamineChanged());  // what was told
  ExamineSuspects(suspects);
  counters_.differences += tree_.model.EndPass(listed);
  return status;
}

void QueueWatcher::ExamineSuspects(const std::vector<Suspect>& suspects) {
  const auto root = tree_.OpenRoot();
  if (!root.ok()) return;
  for (const Suspect& suspect : suspects) {
    const Name& name = suspect.name;
    // An event has told, or has been acted on meanwhile.
    if (changed_.contains(name)) continue;
    const Place place = tree_.directories.PlaceOf(name.directory);
    if (tree_.model.See(place, name.name, suspect.version) == Sight::kSame) continue;
    const auto directory = postfix::OpenDirectoryBeneath(
        root->get(), tree_.directories.At(name.directory).path.c_str());
    if (!directory.ok()) continue;
    const uint64_t before = tree_.model.digest();
    FileExaminer::Details details;
    const Outcome outcome =
        tree_.examiner.Examine(directory->get(), place, name.name.c_str(), &details);
    if (outcome == Outcome::kUnreadable || outcome == Outcome::kTryAgain) {
      MarkChanged(name.directory, name.name);
    }
    if (tree_.model.digest() == before) continue;
    // Unless it changed just now.
    TakeEvents();
    if (!changed_.contains(name) && tree_.model.KindOf(place, name.name)) {
      ++counters_.differences;
    };
  }
}

}  // namespace fleetqshape
