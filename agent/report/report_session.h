// The agent's end of the report protocol with one aggregator, without a transport.
//
// Exactly once: one report is in flight at a time, and its bytes are kept until it is
// acknowledged. After a reconnect the aggregator says in its welcome what it has; a report whose
// fate was unknown then either turns out to be applied or is sent again as the same bytes. When
// the two ends don't agree, or the aggregator asks for it, a new epoch begins with a snapshot.
// While a report is in flight, changes gather and cancel out.
//
// The relay's settings and file counts travel in the same reports: in each snapshot, and in a delta
// when they are no longer what the epoch's reports said.
//
// Deltas follow looks at the queue, of which there is one an interval: an acknowledgement alone
// sends nothing. What the session holds is bounded by the queue, however long the aggregator is
// away; when it is away, what it will need in no case is let go.
#ifndef FLEETQSHAPE_AGENT_REPORT_REPORT_SESSION_H_
#define FLEETQSHAPE_AGENT_REPORT_REPORT_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/report/pending_changes.h"
#include "agent/watch/queue_state.h"
#include "common/base/clock.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/relay.pb.h"
#include "fleetqshape/v1/report.pb.h"

namespace fleetqshape {

// Not safe for use by several threads.
class ReportSession {
 public:
  struct Options {
    v1::Hello hello;
    // What the log calls the aggregator.
    std::string aggregator;
    // A report is cut into messages of at most this many bytes.
    size_t chunk_bytes = size_t{64} << 10;
    // TakeOutgoing gives at most this many bytes of a report at a time, but a whole chunk.
    size_t outgoing_bytes = size_t{1} << 20;
    // How long changes are gathered before the queue is looked at. The session does not wait for
    // that itself; but changes that no look followed go out after twice this time.
    int64_t interval_milliseconds = 1000;
    // A heartbeat is sent when nothing else was for this long.
    int64_t heartbeat_milliseconds = 10'000;
    // File counts alone make a report when they have differed from the reported ones for this
    // long: on a busy relay, being_written is another number at each look.
    int64_t file_counts_delay_milliseconds = 10'000;
  };

  // What was sent since the start, for the log and for tests.
  struct Counters {
    uint64_t snapshots = 0;
    uint64_t deltas = 0;
    uint64_t cells = 0;  // arrivals gained and lost, in snapshots and deltas
    uint64_t bytes = 0;  // of serialised reports
    uint64_t heartbeats = 0;
    // What was said to them.
    uint64_t acknowledged = 0;       // reports
    uint64_t resent = 0;             // reports whose same bytes went out again
    uint64_t snapshot_requests = 0;  // that came
    uint64_t lost = 0;  // times that an aggregator did not have what it had acknowledged
  };

  // An aggregator that asks for one snapshot after the other gets the first at once and the others
  // after this time, doubled each time, up to the longest.
  static constexpr int64_t kSnapshotDelayMilliseconds = 1000;
  static constexpr int64_t kLongestSnapshotDelayMilliseconds = 60'000;
  // A delta that is acknowledged, or this long without such a request, ends the row.
  static constexpr int64_t kSnapshotPeaceMilliseconds = 3'600'000;

  // `state` and `clock` outlive the session. `random` gives random 64-bit numbers.
  ReportSession(Options options, const QueueState* state, const Clock* clock,
                std::function<uint64_t()> random);

  // To be called for each change of the state.
  void OnCellChange(const Cell& cell, int64_t change);
  // The state's name ids got a new meaning: the next report is a snapshot.
  void OnNamesRenewed();
  // The queue was looked at: what the state holds now is worth a delta.
  void OnQueueSeen();
  // What Postfix's configuration says now. Until the first call it is unknown. A mail_version
  // beyond kMaxMailVersionLength is cut, since no aggregator would take it.
  void SetSettings(const v1::PostfixSettings& settings);
  // What the last pass counted. Reported along with anything else that changed; alone only after
  // Options::file_counts_delay_milliseconds.
  void SetFileCounts(const v1::FileCounts& files);

  // The transport's events. What has to be sent in reply comes from the next TakeOutgoing.
  void OnConnected();
  void OnMessage(const v1::AggregatorMessage& message);
  void OnDisconnected();

  // What is to be sent now, in this order, in part: call again, until it gives nothing, when that
  // is written. Empty while not connected. To be called after events, after changes of the state
  // and when NextOutgoingMilliseconds has come. The state must not be in the middle of a pass.
  std::vector<v1::AgentMessage> TakeOutgoing();
  // When TakeOutgoing will have something to send though nothing happens until then, if it will: a
  // heartbeat, changed file counts, or what had to wait. On the clock's monotonic time.
  std::optional<int64_t> NextOutgoingMilliseconds() const;
  // How long the report in flight has waited for its acknowledgement, since it was made or the
  // stream was opened; 0 if there is none.
  int64_t UnacknowledgedMilliseconds() const;

  // True when connected and all that the state holds is acknowledged, and the settings and file
  // counts with it.
  bool UpToDate() const;
  const Counters& counters() const { return counters_; }
  // What it holds that the state does not: of the report in flight, and of cells that changed
  // since.
  size_t in_flight_bytes() const { return in_flight_ ? in_flight_->bytes.size() : 0; }
  size_t pending_cells() const { return pending_.size(); }

 private:
  enum class State { kDisconnected, kConnected, kAwaitingWelcome, kReporting };

  struct InFlight {
    uint64_t sequence;
    std::string bytes;            // the serialised report; empty if it would never be sent again
    std::optional<size_t> begun;  // how many of them were sent on this connection; none: no piece
    bool refused;                 // to be forgotten when all its pieces are sent
    int64_t since_milliseconds;   // monotonic

    bool IsSent() const { return begun == bytes.size(); }
  };

  void OnWelcome(const v1::Welcome& welcome);
  void OnAcknowledged(const v1::Acknowledgement& acknowledgement);
  // The aggregator has the report in flight.
  void EndFlight();
  void OnSnapshotRequest(const std::string& reason);
  // Forgets what the aggregator has: the next report is a snapshot.
  void StartOver();
  bool DeltaIsDue(int64_t now) const;
  // Makes the next report if there is something to say.
  void MakeReport(int64_t now);
  // Draws an epoch, in which nothing was reported yet.
  void StartEpoch();
  // Nothing if nothing changed.
  void AddSection(Queue queue, Axis axis, const BlockDelta& delta, v1::PackedReport* report);
  void AddState(v1::PackedReport* report);
  void AddPendingChanges(v1::PackedReport* report);
  // Puts settings and file counts into a report if they are not what the epoch's reports said.
  void AddRelayFacts(v1::PackedReport* report);
  bool SettingsDiffer() const;
  bool FileCountsDiffer() const { return files_differ_since_milliseconds_.has_value(); }
  // The next pieces of the report in flight.
  void AppendChunks(std::vector<v1::AgentMessage>* messages);

  const Options options_;
  const QueueState& queue_;
  const Clock& clock_;
  const std::function<uint64_t()> random_;

  State state_ = State::kDisconnected;
  bool needs_snapshot_ = true;
  uint64_t epoch_ = 0;
  uint64_t acknowledged_ = 0;  // sequence
  uint32_t names_sent_ = 0;    // ids below this were sent in this epoch
  std::optional<InFlight> in_flight_;
  PendingChanges pending_;
  // As they are now, and as the epoch's last report that has them says.
  std::optional<v1::PostfixSettings> settings_;
  std::optional<v1::PostfixSettings> reported_settings_;
  std::optional<v1::FileCounts> files_;
  std::optional<v1::FileCounts> reported_files_;

  // Monotonic milliseconds.
  bool delta_is_due_ = false;  // whatever pending_since_milliseconds_ says
  int64_t pending_since_milliseconds_ = 0;
  std::optional<int64_t> files_differ_since_milliseconds_;
  int64_t last_sent_milliseconds_ = 0;
  int64_t snapshot_after_milliseconds_ = 0;
  int64_t snapshot_delay_milliseconds_ = 0;  // of the next one that is asked for
  std::optional<int64_t> last_snapshot_request_milliseconds_;
  Counters counters_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_REPORT_REPORT_SESSION_H_
