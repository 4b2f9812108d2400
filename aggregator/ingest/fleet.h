// The state of the fleet in memory, as questions read it.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/ingest/fleet_names.h"
#include "aggregator/ingest/relay_names.h"
#include "aggregator/ingest/section_sums.h"
#include "aggregator/store/store.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"
#include "fleetqshape/v1/relay.pb.h"

namespace fleetqshape {

// Which relay. All parts are names as ValidateName has them.
struct RelayIdentity {
  std::string cluster;
  std::string host;
  std::string instance;

  auto operator<=>(const RelayIdentity& other) const = default;
  std::string ToString() const { return cluster + "/" + host + "/" + instance; }
};

inline constexpr size_t kSectionCount = kAllQueues.size() * kAllAxes.size();

// Where a section stands in RelayState::sections.
constexpr size_t SectionIndex(Queue queue, Axis axis) {
  return (static_cast<size_t>(queue) - 1) * kAllAxes.size() + static_cast<size_t>(axis) - 1;
}

// What an agent says of its relay when it connects. Immutable.
struct RelayDescription {
  RelayIdentity identity;
  std::map<std::string, std::string> labels;
  std::string agent_version;
};

// All that one relay's reports up to `sequence` said. Immutable: a report makes a new one, which
// shares what it did not change.
struct RelayState {
  uint64_t epoch = 0;  // 0: nothing was reported yet
  uint64_t sequence = 0;
  uint64_t digest = 0;
  RelayNames names;
  // By SectionIndex; never null. Their name ids are the relay's.
  std::array<std::shared_ptr<const Block>, kSectionCount> sections;
  // Null: unknown.
  std::shared_ptr<const v1::PostfixSettings> settings;
  std::shared_ptr<const v1::FileCounts> files;
  // By SectionIndex, how much merging the stored section takes when it is read: the bytes of the
  // merge operands since its last base, or more, if the store made a base by itself.
  std::array<size_t, kSectionCount> operand_bytes{};
  // What was stored of the relay could not be read, and nothing was reported since.
  bool damaged = false;
};

// The state of a relay that reported nothing.
std::shared_ptr<RelayState> EmptyRelayState();

// How many messages a relay has in each queue, in the order of kAllQueues: each has one sender.
std::array<uint64_t, kAllQueues.size()> MessagesOf(const RelayState& state);

// A relay as of one moment.
struct RelayView {
  RelayId id = 0;
  std::shared_ptr<const RelayDescription> description;
  std::shared_ptr<const RelayState> state;
  Moment heard;                           // when it was last heard of, on this machine's clocks
  int64_t clock_offset_milliseconds = 0;  // how far its clock is ahead of this machine's
  bool connected = false;                 // an agent has a stream open for it
};

// What changed from one state of a relay to the next one of the same epoch.
struct StateChange {
  std::shared_ptr<const RelayState> before;
  // By SectionIndex. Their name ids are those of the later state.
  std::vector<std::pair<size_t, BlockDelta>> sections;
};

// Safe for use by several threads.
class Fleet {
 public:
  // The seed is for FleetNames.
  explicit Fleet(uint64_t seed = 0) : names_(std::make_shared<FleetNames>(seed)) {}

  FleetNames& names() { return *names_; }
  const FleetNames& names() const { return *names_; }

  // Adds a relay, with an empty state unless it is there already, or describes it anew.
  void Describe(RelayId id, std::shared_ptr<const RelayDescription> description);
  // The rest is about relays that were described.
  void SetState(RelayId id, std::shared_ptr<const RelayState> state);
  // The same where the change is known: costs as much as changed, not as much as the relay has.
  void SetState(RelayId id, std::shared_ptr<const RelayState> state, const StateChange& change);
  // The relay was heard of, and its clock was that far ahead of this machine's, less the time that
  // the message was under way. So the largest of some offsets is the best one.
  void Heard(RelayId id, const Moment& heard, int64_t clock_offset_milliseconds);
  void SetConnected(RelayId id, bool connected);
  RelayView View(RelayId id) const;
  // The same, or nothing if it was removed.
  std::optional<RelayView> Find(RelayId id) const;
  // Views that were taken before keep what they show.
  void Remove(RelayId id);

  // Why reports are not taken at the moment, in words; empty if they are.
  void SetProblem(std::string problem);
  std::string problem() const;

  // All relays by rising id. Each of them is whole; what is reported later does not change it.
  std::vector<RelayView> Snapshot() const;
  // The same with the sums of some sections (SectionIndex) over all of them.
  std::vector<RelayView> Snapshot(absl::Span<const size_t> sections, FleetSums* sums) const;

 private:
  // Of the last messages since the relay was described.
  static constexpr size_t kOffsetsKept = 8;

  struct Relay {
    RelayView view;
    std::deque<int64_t> clock_offsets;  // milliseconds, the latest last
  };

  std::vector<RelayView> SnapshotLocked() const FQS_REQUIRES(mutex_);
  void SubtractLocked(const RelayState& state) FQS_REQUIRES(mutex_);

  const std::shared_ptr<FleetNames> names_;  // states hold it, too
  mutable Mutex mutex_;
  std::map<RelayId, Relay> relays_ FQS_GUARDED_BY(mutex_);
  // Of all relays' states.
  mutable std::array<SectionSums, kSectionCount> sums_ FQS_GUARDED_BY(mutex_);
  std::string problem_ FQS_GUARDED_BY(mutex_);
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_H_
