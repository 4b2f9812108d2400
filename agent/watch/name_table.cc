#include "agent/watch/name_table.h"

#include "common/shape/cell_digest.h"

namespace fleetqshape {

uint32_t NameTable::Acquire(std::string_view name) {
  uint32_t id = 0;
  const auto found = ids_.find(absl::string_view(name.data(), name.size()));
  if (found != ids_.end()) {
    id = found->second;
  } else {
    id = static_cast<uint32_t>(entries_.size());
    entries_.push_back({std::string(name), NameHash(name), 0});
    ids_.emplace(entries_.back().name, id);
  }
  if (entries_[id].uses++ == 0) ++used_;
  return id;
}

void NameTable::Release(uint32_t id) {
  if (--entries_[id].uses == 0) --used_;
}

}  // namespace fleetqshape
