// Which relays there are, and which agents report for them.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_REGISTRY_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "fleetqshape/v1/ingest.pb.h"

namespace fleetqshape {

// Gives relays their numbers, and knows the stream that speaks for each: one at a time, the latest
// of an agent. Keeps the fleet's list of relays: who they are, when they were heard of, whether
// they are connected. Safe for use by several threads.
class RelayRegistry {
 public:
  // One stream of an agent.
  struct Connection {
    RelayId relay = 0;
    uint64_t number = 0;  // no two connections have the same
    v1::AggregatorMessage welcome;
  };

  // Both outlive it.
  RelayRegistry(Fleet* fleet, const Clock* clock);

  // The number is not given to a relay any more.
  void TakeNumber(RelayId id);
  // Adds a relay that is stored, with its number. If its identity is another's already, one of the
  // two is left out, that which was heard of earlier: returns which.
  std::optional<RelayId> AddStored(RelayId id, std::shared_ptr<const RelayDescription> description,
                                   const Moment& heard, int64_t clock_offset_milliseconds);

  // An agent with a sound hello opens a stream; the welcome says what the fleet has of its relay.
  // ALREADY_EXISTS: another agent, whose address is in the message, already reports as this relay;
  // UNAVAILABLE: the relay is being forgotten. `on_replaced` is called, from any thread and without
  // a lock, if the same agent opens another stream before this one is disconnected.
  absl::StatusOr<Connection> Connect(const v1::Hello& hello, const std::string& peer,
                                     int64_t relay_clock_milliseconds,
                                     std::function<void()> on_replaced);
  void Disconnect(const Connection& connection);
  // The relay's agent is alive. Says nothing if the connection is not the relay's last.
  void Heard(const Connection& connection, int64_t relay_clock_milliseconds);
  // Whether there is the relay, and no later connection of it.
  bool IsLast(const Connection& connection) const;
  bool Has(RelayId id) const;

  // A relay is forgotten in two steps; between them no agent can connect as it.
  enum class Leaving {
    kBegun,
    kConnected,  // it stays, since its agent reports now
    kUnknown,    // or begun before
  };
  Leaving BeginLeaving(RelayId id);
  void Stay(RelayId id);
  void Leave(RelayId id);

 private:
  struct Relay {
    std::string peer;         // of the stream that reports as this relay; empty if there is none
    uint64_t connection = 0;  // its number
    uint64_t agent_id = 0;    // of its hello
    std::function<void()> on_replaced;
    bool leaving = false;
  };

  // Replaces `on_replaced` by that of the stream before, if it is to be told.
  absl::StatusOr<Connection> ConnectLocked(const v1::Hello& hello, const std::string& peer,
                                           int64_t relay_clock_milliseconds,
                                           std::function<void()>* on_replaced) FQS_REQUIRES(mutex_);
  bool IsLastLocked(const Connection& connection) const FQS_REQUIRES(mutex_);

  Fleet& fleet_;
  const Clock& clock_;

  mutable Mutex mutex_;
  std::map<RelayIdentity, RelayId> ids_ FQS_GUARDED_BY(mutex_);
  std::map<RelayId, Relay> relays_ FQS_GUARDED_BY(mutex_);
  RelayId next_id_ FQS_GUARDED_BY(mutex_) = 1;
  uint64_t last_connection_ FQS_GUARDED_BY(mutex_) = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_REGISTRY_H_
