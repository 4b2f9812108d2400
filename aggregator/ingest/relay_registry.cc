#include "aggregator/ingest/relay_registry.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/ingest/relay_records.h"

namespace fleetqshape {
namespace {

// How far a relay's clock is ahead. The agent may claim any time: what does not fit stays at the
// end of the range.
int64_t ClockOffset(int64_t relay_milliseconds, int64_t now_milliseconds) {
  int64_t offset = 0;
  if (!__builtin_sub_overflow(relay_milliseconds, now_milliseconds, &offset)) return offset;
  return relay_milliseconds < 0 ? std::numeric_limits<int64_t>::min()
                                : std::numeric_limits<int64_t>::max();
}

}  // namespace

RelayRegistry::RelayRegistry(Fleet* fleet, const Clock* clock) : fleet_(*fleet), clock_(*clock) {}

void RelayRegistry::TakeNumber(RelayId id) {
  MutexLock lock(mutex_);
  next_id_ = std::max(next_id_, id + 1);
}

std::optional<RelayId> RelayRegistry::AddStored(RelayId id,
                                                std::shared_ptr<const RelayDescription> description,
                                                const Moment& heard,
                                                int64_t clock_offset_milliseconds) {
  TakeNumber(id);
  MutexLock lock(mutex_);
  std::optional<RelayId> left_out;
  const auto [served, is_new] = ids_.try_emplace(description->identity, id);
  if (!is_new) {
    if (fleet_.View(served->second).heard.wall_milliseconds > heard.wall_milliseconds) return id;
    left_out = std::exchange(served->second, id);
    relays_.erase(*left_out);
    fleet_.Remove(*left_out);
  }
  relays_[id];
  fleet_.Describe(id, std::move(description));
  fleet_.Heard(id, heard, clock_offset_milliseconds);
  return left_out;
}

absl::StatusOr<RelayRegistry::Connection> RelayRegistry::Connect(
    const v1::Hello& hello, const std::string& peer, int64_t relay_clock_milliseconds,
    std::function<void()> on_replaced) {
  absl::StatusOr<Connection> connection = Connection();
  {
    MutexLock lock(mutex_);
    connection = ConnectLocked(hello, peer, relay_clock_milliseconds, &on_replaced);
  }
  // That of the stream before now.
  if (connection.ok() && on_replaced) on_replaced();
  return connection;
}

absl::StatusOr<RelayRegistry::Connection> RelayRegistry::ConnectLocked(
    const v1::Hello& hello, const std::string& peer, int64_t relay_clock_milliseconds,
    std::function<void()>* on_replaced) {
  const auto description = DescriptionOf(hello);
  const RelayIdentity& identity = description->identity;
  const Moment now = clock_.Now();
  const auto [entry, is_new] = ids_.try_emplace(identity, next_id_);
  if (is_new) ++next_id_;
  const RelayId id = entry->second;
  Relay& relay = relays_[id];
  if (relay.leaving) {
    return absl::UnavailableError("the relay is being forgotten; try again");
  }
  const bool same_agent = hello.agent_id() != 0 && hello.agent_id() == relay.agent_id;
  if (!relay.peer.empty() && !same_agent) {
    return absl::AlreadyExistsError(
        absl::StrCat("an agent at ", relay.peer, " already reports as ", identity.ToString(),
                     "; this one is at ", peer, ": give one of them another --host or --instance"));
  }
  relay.peer = peer;
  relay.agent_id = hello.agent_id();
  relay.connection = ++last_connection_;
  std::swap(relay.on_replaced, *on_replaced);
  fleet_.Describe(id, description);
  fleet_.Heard(id, now, ClockOffset(relay_clock_milliseconds, now.wall_milliseconds));
  fleet_.SetConnected(id, true);
  const RelayView view = fleet_.View(id);
  Connection connection{id, relay.connection, {}};
  connection.welcome.mutable_welcome()->set_epoch(view.state->epoch);
  connection.welcome.mutable_welcome()->set_sequence(view.state->sequence);
  return connection;
}

bool RelayRegistry::IsLastLocked(const Connection& connection) const {
  const auto relay = relays_.find(connection.relay);
  return relay != relays_.end() && relay->second.connection == connection.number;
}

bool RelayRegistry::IsLast(const Connection& connection) const {
  MutexLock lock(mutex_);
  return IsLastLocked(connection);
}

bool RelayRegistry::Has(RelayId id) const {
  MutexLock lock(mutex_);
  return relays_.contains(id);
}

void RelayRegistry::Disconnect(const Connection& connection) {
  MutexLock lock(mutex_);
  if (!IsLastLocked(connection)) return;
  Relay& relay = relays_.at(connection.relay);
  relay.peer.clear();
  relay.on_replaced = nullptr;
  fleet_.SetConnected(connection.relay, false);
}

void RelayRegistry::Heard(const Connection& connection, int64_t relay_clock_milliseconds) {
  const Moment now = clock_.Now();
  MutexLock lock(mutex_);
  // One that was replaced may be told to end only now, with the relay forgotten since.
  if (!IsLastLocked(connection)) return;
  fleet_.Heard(connection.relay, now, ClockOffset(relay_clock_milliseconds, now.wall_milliseconds));
}

RelayRegistry::Leaving RelayRegistry::BeginLeaving(RelayId id) {
  MutexLock lock(mutex_);
  const auto relay = relays_.find(id);
  if (relay == relays_.end() || relay->second.leaving) return Leaving::kUnknown;
  if (!relay->second.peer.empty()) return Leaving::kConnected;
  relay->second.leaving = true;
  return Leaving::kBegun;
}

void RelayRegistry::Stay(RelayId id) {
  MutexLock lock(mutex_);
  relays_.at(id).leaving = false;
}

void RelayRegistry::Leave(RelayId id) {
  MutexLock lock(mutex_);
  ids_.erase(fleet_.View(id).description->identity);
  relays_.erase(id);
  fleet_.Remove(id);
}

}  // namespace fleetqshape
