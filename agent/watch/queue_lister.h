// Brings a QueueModel up to date by listing the queue directories.
#ifndef FLEETQSHAPE_AGENT_WATCH_QUEUE_LISTER_H_
#define FLEETQSHAPE_AGENT_WATCH_QUEUE_LISTER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "agent/watch/queue_tree.h"
#include "common/postfix/queue_directory.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// One thread at a time.
class QueueLister {
 public:
  // A file is at most this deep below its queue; Postfix's hash_queue_depth is at most 16.
  static constexpr int kMaxDepth = 16;

  struct Counters {
    uint64_t passes = 0;
    uint64_t incomplete_passes = 0;  // some queue could not be listed: it lost nothing then
  };

  // What else is to be done on the way. All may be empty.
  struct Hooks {
    // A directory that is about to be listed. An error ends the walk.
    std::function<absl::Status(DirectoryId directory, int fd)> enter;
    // Called every few hundred files. False ends the walk, which is then CANCELLED.
    std::function<bool()> breathe;
    // A file that the model does not have in this version. Without this, it is read at once.
    std::function<void(Place place, std::string_view name, FileVersion version)> unexpected;
  };

  // `tree` outlives the lister.
  explicit QueueLister(QueueTree* tree) : tree_(*tree) {}

  // Lists all queues and reads what is new or changed. After an OK pass over queues that did not
  // change meanwhile, the model is exactly what is on the disk. An error says what could not be
  // listed: what was seen of that queue has been taken in, and nothing of it was removed.
  absl::Status Pass(std::function<bool()> breathe = nullptr);

  // A pass without its end: the caller ends it with QueueModel::EndPass(*listed).
  absl::Status Walk(const Hooks& hooks, std::set<Queue>* listed);
  // Lists one directory and those below it, as part of no pass.
  absl::Status List(const Hooks& hooks, int root_fd, DirectoryId directory);

  const Counters& counters() const { return counters_; }

 private:
  absl::Status ListQueue(int root_fd, Queue queue);
  absl::Status ListDirectory(int root_fd, DirectoryId id);
  void LookAt(int root_fd, int directory_fd, DirectoryId id, std::string_view name);
  // Takes the file out of other directories where it was, if it is there no more.
  void RemoveElsewhere(int root_fd, std::string_view name, DirectoryId id);

  QueueTree& tree_;
  const Hooks* hooks_ = nullptr;  // of the walk under way
  absl::Status looked_;           // problems with single files of the directory that is listed
  uint64_t looks_ = 0;
  bool cancelled_ = false;
  struct Unreadable {
    Place place;
    std::string name;
    FileState state;
  };

  // Of the queue that is being listed.
  uint64_t readable_files_ = 0;
  std::vector<Unreadable> unreadable_files_;
  Counters counters_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_QUEUE_LISTER_H_
