#include "aggregator/ingest/fleet_names.h"

#include <mutex>

#include "common/shape/cell_digest.h"

namespace fleetqshape {

uint32_t FleetNames::Intern(std::string_view name) {
  const absl::string_view key(name.data(), name.size());
  {
    // Most names that a report brings are known from other relays.
    std::shared_lock lock(mutex_);
    const auto found = ids_.find(key);
    if (found != ids_.end()) return found->second;
  }
  std::unique_lock lock(mutex_);
  const auto found = ids_.find(key);
  if (found != ids_.end()) return found->second;
  const auto id = static_cast<uint32_t>(names_.size());
  names_.emplace_back(name);
  hashes_.push_back(NameHash(name));
  ids_.emplace(names_.back(), id);
  return id;
}

std::string_view FleetNames::name(uint32_t id) const {
  std::shared_lock lock(mutex_);
  return names_[id];
}

size_t FleetNames::size() const {
  std::shared_lock lock(mutex_);
  return names_.size();
}

}  // namespace fleetqshape
