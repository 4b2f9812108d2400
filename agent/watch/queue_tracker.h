// Keeps a QueueModel true: by watching the queue, or, where that can't be, by listing it.
#ifndef FLEETQSHAPE_AGENT_WATCH_QUEUE_TRACKER_H_
#define FLEETQSHAPE_AGENT_WATCH_QUEUE_TRACKER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "agent/watch/queue_lister.h"
#include "agent/watch/queue_tree.h"
#include "agent/watch/queue_watcher.h"

namespace fleetqshape {

// One thread at a time.
class QueueTracker {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  struct Options {
    std::string queue_directory;
    bool may_watch = true;  // else it is always listed
    // How long changes are gathered before they are looked at; without inotify, how often the queue
    // is listed.
    Duration interval = std::chrono::seconds(1);
    // How often a watched queue is listed all the same.
    Duration verify_interval = std::chrono::minutes(5);
  };

  // `model` outlives the tracker. `now` is a steady clock. `breathe`, which may be empty, is called
  // every now and then during long work, and ends it by returning false.
  QueueTracker(Options options, QueueModel* model, std::function<TimePoint()> now,
               std::function<bool()> breathe);

  // UNAVAILABLE, saying why, if changes in the directory can be made where this kernel's inotify
  // does not see them: on a network file system.
  static absl::Status CheckFileSystem(const std::string& directory);

  // Readable when there is something for OnEvents; -1 when the queue is not watched.
  int event_fd() const { return watcher_ ? watcher_->fd() : -1; }
  void OnEvents();

  // When Update is due. It moves as events come.
  TimePoint next_update() const;
  // Brings the model up to date. After OK and with nothing changing meanwhile, it is exactly what
  // is on the disk. An error says what could not be seen; it is tried again.
  absl::Status Update();

  // Since the start.
  uint64_t files_read() const { return tree_.examiner.files_read(); }
  uint64_t passes() const;
  QueueWatcher::Counters watch_counters() const;

 private:
  // Tries to watch; if that fails, says so once and lists from then on.
  absl::Status Begin();
  absl::Status UpdateWatched();
  void StopWatching(const absl::Status& reason);

  const Options options_;
  const std::function<TimePoint()> now_;
  const std::function<bool()> breathe_;
  QueueTree tree_;
  QueueLister lister_;  // when not watching
  std::unique_ptr<QueueWatcher> watcher_;
  QueueWatcher::Counters past_counters_;  // of watchers that are gone
  bool gathering_ = false;                // something changed since the last update
  absl::Status listing_problem_;
  TimePoint next_update_{};
  TimePoint next_verification_{};  // or when watching is tried again
  TimePoint next_listing_{};       // a full one; not before
  bool began_ = false;
  std::string last_reason_;  // logged once
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_QUEUE_TRACKER_H_
