// Brings a QueueModel up to date with what inotify tells.
#ifndef FLEETQSHAPE_AGENT_WATCH_QUEUE_WATCHER_H_
#define FLEETQSHAPE_AGENT_WATCH_QUEUE_WATCHER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/watch/inotify.h"
#include "agent/watch/queue_lister.h"
#include "agent/watch/queue_tree.h"

namespace fleetqshape {

// How it works: renames and removals change the model as they are told, by name and without a look
// at the file. Files that may have changed are noted, by name, and looked at when Settle is called:
// of a message that came and went until then, nothing is read.
//
// Every change of a queue makes an event before it can be seen in a listing. So when the events
// that wait have been taken in after a listing, what then still differs was not told: it is a
// difference, and counted as one.
//
// One thread at a time.
class QueueWatcher {
 public:
  struct Counters {
    uint64_t events = 0;
    uint64_t overflows = 0;      // the kernel threw events away
    uint64_t listings = 0;       // full ones: at the start, after an overflow or a lost watch
    uint64_t verifications = 0;  // listings for the sake of it
    uint64_t differences = 0;    // messages that a verification found the model wrong about
  };

  // Lists the queue and watches it from then on. `tree` outlives the watcher. An error says why it
  // can't be watched. That a queue can't be listed is none; the
  // next Settle tells. `breathe`, which may be empty, is called every now and then during long
  // work, and ends it by returning false.
  static absl::StatusOr<std::unique_ptr<QueueWatcher>> Create(
      QueueTree* tree, std::function<bool()> breathe = nullptr);

  // Readable when something happened in the queue.
  int fd() const { return inotify_.fd(); }
  // Takes in the events that wait. Cheap, and to be called soon after fd() becomes readable: the
  // kernel keeps fs.inotify.max_queued_events of them, and then throws them away.
  void Drain();
  // True if Settle has something to do.
  bool unsettled() const { return must_list_ || !changed_.empty(); }

  // True if only listing all queues again makes the model right: at the start, after an error, an
  // overflow or a lost watch. Settle does it if it may.
  bool must_list() const { return must_list_; }

  // Looks at what changed. After OK, must_list() being false and nothing having changed meanwhile,
  // the model is exactly what is on the disk. An error says what could not be listed or read; it is
  // tried again by the next call.
  absl::Status Settle(bool may_list);
  // Lists all queues, and corrects and counts what differs from the model.
  absl::Status Verify();

  // Why the queue can't be watched any longer, if so: then its changes may not be told.
  const absl::Status& cannot_watch() const { return cannot_watch_; }

  const Counters& counters() const { return counters_; }

 private:
  struct Name {
    DirectoryId directory;
    std::string name;

    bool operator==(const Name& other) const = default;
    bool operator<(const Name& other) const {
      return directory != other.directory ? directory < other.directory : name < other.name;
    }
    template <typename H>
    friend H AbslHashValue(H hash, const Name& name) {
      return H::combine(std::move(hash), name.directory, name.name);
    }
  };
  struct Moving {
    Name name;
    bool changed;  // and was to be looked at
  };
  struct Suspect {
    Name name;
    FileVersion version;
  };

  QueueWatcher(QueueTree* tree, Inotify inotify, std::function<bool()> breathe);

  void TakeEvents();
  void Handle(const Inotify::Event& event);
  void HandleOfRoot(const Inotify::Event& event);
  void HandleDirectory(DirectoryId parent, const Inotify::Event& event);
  void HandleFile(DirectoryId directory, const Inotify::Event& event);
  void HandleLostWatch(DirectoryId directory);
  void MoveIn(DirectoryId directory, const Inotify::Event& event);
  void ListNewDirectories();
  void MarkChanged(DirectoryId directory, std::string_view name);
  void Forget(DirectoryId directory, std::string_view name);
  // What moved out and did not come in again is to be looked for.
  void FinishMoves();

  absl::Status CannotWatch(const absl::Status& reason);
  absl::Status StartWatching(DirectoryId directory, int fd);
  QueueLister::Hooks ListingHooks();
  bool Breathe();
  // A full listing.
  absl::Status List();
  // Looks at the files that changed.
  absl::Status ExamineChanged();
  // False if it has to be looked at again.
  bool ExamineOne(int directory_fd, const Name& name, absl::Status* result);
  void ExamineSuspects(const std::vector<Suspect>& suspects);

  QueueTree& tree_;
  Inotify inotify_;
  QueueLister lister_;
  const std::function<bool()> breathe_;
  int root_watch_ = -1;
  absl::Status cannot_watch_;
  bool must_list_ = true;
  bool lost_events_ = false;  // during a listing
  // Files to look at, and how often they were not there.
  absl::flat_hash_map<Name, int> changed_;
  std::vector<DirectoryId> new_directories_;  // not watched yet
  // By cookie: what moved out of a directory and is yet to come in elsewhere.
  absl::flat_hash_map<uint32_t, Moving> moving_;
  Counters counters_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_QUEUE_WATCHER_H_
