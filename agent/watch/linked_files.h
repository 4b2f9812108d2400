// Files with several names.
#ifndef FLEETQSHAPE_AGENT_WATCH_LINKED_FILES_H_
#define FLEETQSHAPE_AGENT_WATCH_LINKED_FILES_H_

#include <sys/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace fleetqshape {

// Postfix makes no hard links in its queues, but a copy made with them must not count a message
// twice. Names are indexes of a FileTable. The first name that is known of a file owns it. Not safe
// for use by several threads.
class LinkedFiles {
 public:
  // The name at `index` is one of a file with several, or with 0 of one without. True if it owns
  // its file.
  bool Set(uint32_t index, ino_t inode);
  void Remove(uint32_t index) { Set(index, 0); }
  void Move(uint32_t from, uint32_t to);

  // True if files may have names that are not known as such, since it was asked last: an owner went
  // and left other names behind, or a file turned out to have several.
  bool TakeWantsListing() { return std::exchange(wants_listing_, false); }

 private:
  absl::flat_hash_map<ino_t, std::vector<uint32_t>> names_of_inode_;  // the owner first
  absl::flat_hash_map<uint32_t, ino_t> inode_of_name_;
  bool wants_listing_ = false;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_LINKED_FILES_H_
