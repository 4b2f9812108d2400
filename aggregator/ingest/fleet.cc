#include "aggregator/ingest/fleet.h"

#include <algorithm>
#include <utility>

namespace fleetqshape {

std::shared_ptr<RelayState> EmptyRelayState() {
  auto state = std::make_shared<RelayState>();
  state->sections.fill(std::make_shared<const Block>());
  return state;
}

std::array<uint64_t, kAllQueues.size()> MessagesOf(const RelayState& state) {
  std::array<uint64_t, kAllQueues.size()> messages{};
  for (size_t i = 0; i < kAllQueues.size(); ++i) {
    messages[i] = state.sections[SectionIndex(kAllQueues[i], Axis::kSenderDomain)]->arrivals.size();
  }
  return messages;
}

void Fleet::Describe(RelayId id, std::shared_ptr<const RelayDescription> description) {
  MutexLock lock(mutex_);
  Relay& relay = relays_[id];
  relay.view.id = id;
  relay.view.description = std::move(description);
  if (relay.view.state == nullptr) relay.view.state = EmptyRelayState();
  relay.clock_offsets.clear();
}

void Fleet::SubtractLocked(const RelayState& state) {
  for (size_t i = 0; i < kSectionCount; ++i) {
    sums_[i].Subtract(*state.sections[i], state.names.fleet_ids());
  }
}

void Fleet::SetState(RelayId id, std::shared_ptr<const RelayState> state) {
  // Destroyed after the lock is released.
  std::shared_ptr<const RelayState> before;
  MutexLock lock(mutex_);
  RelayView& view = relays_.at(id).view;
  before = std::exchange(view.state, std::move(state));
  SubtractLocked(*before);
  for (size_t i = 0; i < kSectionCount; ++i) {
    sums_[i].Add(*view.state->sections[i], view.state->names.fleet_ids());
  }
}

void Fleet::SetState(RelayId id, std::shared_ptr<const RelayState> state,
                     const StateChange& change) {
  {
    MutexLock lock(mutex_);
    RelayView& view = relays_.at(id).view;
    if (view.state == change.before) {
      for (const auto& [section, delta] : change.sections) {
        sums_[section].Add(delta.gained, state->names.fleet_ids());
        sums_[section].Subtract(delta.lost, state->names.fleet_ids());
      }
      view.state = std::move(state);
      return;
    }
  }
  SetState(id, std::move(state));
}

void Fleet::Heard(RelayId id, const Moment& heard, int64_t clock_offset_milliseconds) {
  MutexLock lock(mutex_);
  Relay& relay = relays_.at(id);
  relay.clock_offsets.push_back(clock_offset_milliseconds);
  if (relay.clock_offsets.size() > kOffsetsKept) relay.clock_offsets.pop_front();
  relay.view.heard = heard;
  relay.view.clock_offset_milliseconds =
      *std::max_element(relay.clock_offsets.begin(), relay.clock_offsets.end());
}

void Fleet::SetConnected(RelayId id, bool connected) {
  MutexLock lock(mutex_);
  relays_.at(id).view.connected = connected;
}

RelayView Fleet::View(RelayId id) const {
  MutexLock lock(mutex_);
  return relays_.at(id).view;
}

std::optional<RelayView> Fleet::Find(RelayId id) const {
  MutexLock lock(mutex_);
  const auto found = relays_.find(id);
  if (found == relays_.end()) return std::nullopt;
  return found->second.view;
}

void Fleet::Remove(RelayId id) {
  MutexLock lock(mutex_);
  const auto found = relays_.find(id);
  if (found == relays_.end()) return;
  SubtractLocked(*found->second.view.state);
  relays_.erase(found);
}

void Fleet::SetProblem(std::string problem) {
  MutexLock lock(mutex_);
  problem_ = std::move(problem);
}

std::string Fleet::problem() const {
  MutexLock lock(mutex_);
  return problem_;
}

std::vector<RelayView> Fleet::SnapshotLocked() const {
  std::vector<RelayView> views;
  views.reserve(relays_.size());
  for (const auto& [id, relay] : relays_) views.push_back(relay.view);
  return views;
}

std::vector<RelayView> Fleet::Snapshot() const {
  MutexLock lock(mutex_);
  return SnapshotLocked();
}

std::vector<RelayView> Fleet::Snapshot(absl::Span<const size_t> sections, FleetSums* sums) const {
  MutexLock lock(mutex_);
  for (const size_t section : sections) sums_[section].AddTo(sums);
  return SnapshotLocked();
}

}  // namespace fleetqshape
