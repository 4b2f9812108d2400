#include "agent/watch/queue_tracker.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// Full listings take at most this share of the time, however often events are lost or a queue can't
// be listed.
constexpr int kListingShare = 10;

// File systems on which changes can be made elsewhere, of which this kernel's inotify tells
// nothing.
constexpr std::array<uint32_t, 12> kSharedFileSystems = {
    NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,   CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, AFS_SUPER_MAGIC,
    CODA_SUPER_MAGIC, OCFS2_SUPER_MAGIC, CEPH_SUPER_MAGIC, V9FS_MAGIC,       FUSE_SUPER_MAGIC,
    0x01161970,  // GFS2: the kernel's linux/gfs2_ondisk.h
    0x0BD00BD0,  // Lustre: lustre_user.h
};

void Add(const QueueWatcher::Counters& more, QueueWatcher::Counters* sum) {
  sum->events += more.events;
  sum->overflows += more.overflows;
  sum->listings += more.listings;
  sum->verifications += more.verifications;
  sum->differences += more.differences;
}

}  // namespace

QueueTracker::QueueTracker(Options options, QueueModel* model, std::function<TimePoint()> now,
                           std::function<bool()> breathe)
    : options_(std::move(options)),
      now_(std::move(now)),
      breathe_(std::move(breathe)),
      tree_(options_.queue_directory, model),
      lister_(&tree_) {}

absl::Status QueueTracker::CheckFileSystem(const std::string& directory) {
  struct statfs file_system {};
  // What can't be looked at is no reason: watching it will say more.
  if (statfs(directory.c_str(), &file_system) != 0) return absl::OkStatus();
  const auto type = static_cast<uint32_t>(file_system.f_type);
  if (std::find(kSharedFileSystems.begin(), kSharedFileSystems.end(), type) ==
      kSharedFileSystems.end()) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      "it is on a file system that may change from elsewhere (type 0x", absl::Hex(type), ")"));
}

void QueueTracker::OnEvents() {
  if (!watcher_) return;
  const uint64_t digest = tree_.model.digest();
  const FileCounts counts = tree_.model.file_counts();
  watcher_->Drain();
  const bool changed = tree_.model.digest() != digest || tree_.model.file_counts() != counts;
  // The first change starts the gathering.
  if (gathering_ || (!watcher_->unsettled() && !changed)) return;
  gathering_ = true;
  next_update_ = now_() + options_.interval;
}

QueueTracker::TimePoint QueueTracker::next_update() const {
  if (!began_ || !watcher_) return next_update_;
  if (watcher_->must_list()) return std::max(next_update_, next_listing_);
  return gathering_ ? std::min(next_verification_, next_update_) : next_verification_;
}

absl::Status QueueTracker::Update() {
  if (!began_ || (!watcher_ && now_() >= next_verification_)) {
    began_ = true;
    const absl::Status status = Begin();
    if (watcher_) return status;
  }
  if (watcher_) return UpdateWatched();
  const TimePoint start = now_();
  const absl::Status status = lister_.Pass(breathe_);
  tree_.model.Compact();
  next_update_ = start + options_.interval;
  return status;
}

absl::Status QueueTracker::Begin() {
  next_verification_ = now_() + options_.verify_interval;
  absl::Status reason;
  if (!options_.may_watch) return reason;
  reason = CheckFileSystem(options_.queue_directory);
  if (reason.ok()) {
    auto watcher = QueueWatcher::Create(&tree_, breathe_);
    if (watcher.ok()) {
      watcher_ = *std::move(watcher);
      next_listing_ = now_();
      last_reason_.clear();
      return UpdateWatched();
    }
    reason = watcher.status();
  }
  StopWatching(reason);
  return absl::OkStatus();
}

void QueueTracker::StopWatching(const absl::Status& reason) {
  if (watcher_) Add(watcher_->counters(), &past_counters_);
  watcher_.reset();
  tree_.directories.ForgetWatches();
  tree_.examiner.set_told_of_changes(false);
  next_update_ = now_();
  const std::string text(reason.message());
  if (text == last_reason_) return;
  last_reason_ = text;
  spdlog::warn("cannot watch {}, so it is listed every {} s: {}", options_.queue_directory,
               std::chrono::duration<double>(options_.interval).count(), text);
}

absl::Status QueueTracker::UpdateWatched() {
  const TimePoint start = now_();
  const bool lists = watcher_->must_list() && start >= next_listing_;
  absl::Status status = watcher_->Settle(lists);
  if (lists) listing_problem_ = status;
  // What was wrong with the last listing is so until the next one.
  if (!lists && watcher_->must_list()) status.Update(listing_problem_);
  if (status.ok() && !watcher_->must_list() && start >= next_verification_) {
    const uint64_t before = watcher_->counters().differences;
    status = watcher_->Verify();
    const uint64_t found = watcher_->counters().differences - before;
    if (found > 0) {
      spdlog::warn("{}: listing it found {} messages of which no event had told; corrected",
                   options_.queue_directory, found);
    }
    next_verification_ = now_() + options_.verify_interval;
  }
  const TimePoint end = now_();
  if (lists) next_listing_ = end + (end - start) * kListingShare;
  next_update_ = end + options_.interval;
  gathering_ = watcher_->unsettled();
  tree_.model.Compact();
  if (!watcher_->cannot_watch().ok()) {
    StopWatching(watcher_->cannot_watch());
    return Update();
  }
  return status;
}

uint64_t QueueTracker::passes() const {
  const QueueWatcher::Counters watched = watch_counters();
  return lister_.counters().passes + watched.listings + watched.verifications;
}

QueueWatcher::Counters QueueTracker::watch_counters() const {
  QueueWatcher::Counters sum = past_counters_;
  if (watcher_) Add(watcher_->counters(), &sum);
  return sum;
}

}  // namespace fleetqshape
