// The names that stand in one relay's queue, each with a number.
#ifndef FLEETQSHAPE_AGENT_WATCH_NAME_TABLE_H_
#define FLEETQSHAPE_AGENT_WATCH_NAME_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace fleetqshape {

// Ids are given in order, without gaps, and stay until the whole table is renewed: what was sent
// about a name by its id stays true. Not safe for use by several threads.
class NameTable {
 public:
  NameTable() = default;
  NameTable(const NameTable&) = delete;
  NameTable& operator=(const NameTable&) = delete;

  // The id of `name`, a new one if it has none. It has one use more.
  uint32_t Acquire(std::string_view name);
  // Ends one use.
  void Release(uint32_t id);

  std::string_view name(uint32_t id) const { return entries_[id].name; }
  // NameHash of the name.
  uint64_t hash(uint32_t id) const { return entries_[id].hash; }
  // How many ids were given, and how many of their names are in use.
  size_t size() const { return entries_.size(); }
  size_t used() const { return used_; }

 private:
  struct Entry {
    std::string name;
    uint64_t hash;
    uint64_t uses;
  };

  std::deque<Entry> entries_;  // a deque: ids_'s keys point into it
  absl::flat_hash_map<absl::string_view, uint32_t> ids_;
  size_t used_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_NAME_TABLE_H_
