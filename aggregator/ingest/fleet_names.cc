#include "aggregator/ingest/fleet_names.h"

#include <mutex>

#include "common/shape/cell_digest.h"

namespace fleetqshape {

uint32_t FleetNames::Intern(std::string_view name) {
  std::unique_lock lock(mutex_);
  const auto found = ids_.find(absl::string_view(name.data(), name.size()));
  if (found != ids_.end()) return found->second;
  const auto id = static_cast<uint32_t>(entries_.size());
  entries_.push_back({std::string(name), NameHash(name)});
  ids_.emplace(entries_.back().name, id);
  return id;
}

uint64_t FleetNames::hash(uint32_t id) const {
  std::shared_lock lock(mutex_);
  return entries_[id].hash;
}

std::string_view FleetNames::name(uint32_t id) const {
  std::shared_lock lock(mutex_);
  return entries_[id].name;
}

size_t FleetNames::size() const {
  std::shared_lock lock(mutex_);
  return entries_.size();
}

}  // namespace fleetqshape
