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

void Fleet::SetState(RelayId id, std::shared_ptr<const RelayState> state) {
  MutexLock lock(mutex_);
  relays_.at(id).view.state = std::move(state);
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

void Fleet::Remove(RelayId id) {
  MutexLock lock(mutex_);
  relays_.erase(id);
}

void Fleet::SetProblem(std::string problem) {
  MutexLock lock(mutex_);
  problem_ = std::move(problem);
}

std::string Fleet::problem() const {
  MutexLock lock(mutex_);
  return problem_;
}

std::vector<RelayView> Fleet::Snapshot() const {
  MutexLock lock(mutex_);
  std::vector<RelayView> views;
  views.reserve(relays_.size());
  for (const auto& [id, relay] : relays_) views.push_back(relay.view);
  return views;
}

}  // namespace fleetqshape
