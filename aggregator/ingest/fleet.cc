#include "aggregator/ingest/fleet.h"

#include <utility>

namespace fleetqshape {

std::shared_ptr<RelayState> EmptyRelayState() {
  auto state = std::make_shared<RelayState>();
  state->fleet_ids = std::make_shared<const std::vector<uint32_t>>();
  state->sections.fill(std::make_shared<const Block>());
  return state;
}

void Fleet::Describe(RelayId id, std::shared_ptr<const RelayDescription> description) {
  MutexLock lock(mutex_);
  RelayView& view = relays_[id];
  view.id = id;
  view.description = std::move(description);
  if (view.state == nullptr) view.state = EmptyRelayState();
}

void Fleet::SetState(RelayId id, std::shared_ptr<const RelayState> state) {
  MutexLock lock(mutex_);
  relays_.at(id).state = std::move(state);
}

void Fleet::Heard(RelayId id, int64_t heard_milliseconds, int64_t clock_offset_milliseconds) {
  MutexLock lock(mutex_);
  RelayView& view = relays_.at(id);
  view.heard_milliseconds = heard_milliseconds;
  view.clock_offset_milliseconds = clock_offset_milliseconds;
}

RelayView Fleet::View(RelayId id) const {
  MutexLock lock(mutex_);
  return relays_.at(id);
}

std::vector<RelayView> Fleet::Snapshot() const {
  MutexLock lock(mutex_);
  std::vector<RelayView> views;
  views.reserve(relays_.size());
  for (const auto& [id, view] : relays_) views.push_back(view);
  return views;
}

}  // namespace fleetqshape
