// The directories of a queue.
#ifndef FLEETQSHAPE_AGENT_WATCH_DIRECTORY_TABLE_H_
#define FLEETQSHAPE_AGENT_WATCH_DIRECTORY_TABLE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "agent/watch/file_table.h"
#include "common/shape/queue.h"

namespace fleetqshape {

inline constexpr DirectoryId kNoDirectory = FileTable::kNone;
inline constexpr int kNoWatch = -1;

// Numbers for the queues' directories and the hash directories below, and who watches them. Not
// safe for use by several threads.
class DirectoryTable {
 public:
  struct Directory {
    Queue queue = Queue::kMaildrop;
    std::string path;  // below the queue directory: "deferred", "deferred/A"
    int depth = 0;     // 0 for a queue's own
    int watch = kNoWatch;
  };

  // The directory's number, a new one if it has none. Numbers stay: of hash directories there are
  // few.
  DirectoryId Ensure(Queue queue, std::string_view path, int depth);
  DirectoryId Find(std::string_view path) const;  // kNoDirectory if unknown
  const Directory& At(DirectoryId id) const { return directories_[id]; }
  Place PlaceOf(DirectoryId id) const { return {At(id).queue, id}; }

  // inotify's watch descriptors.
  void SetWatch(DirectoryId id, int watch);
  void ForgetWatches();
  DirectoryId OfWatch(int watch) const;  // kNoDirectory if unknown

 private:
  std::vector<Directory> directories_;
  absl::flat_hash_map<std::string, DirectoryId> id_of_path_;
  absl::flat_hash_map<int, DirectoryId> id_of_watch_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_DIRECTORY_TABLE_H_
