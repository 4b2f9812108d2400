// The aggregator's end of the report protocol, without a transport.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_ENGINE_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_ENGINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/report_applier.h"
#include "aggregator/store/store.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/report.pb.h"

namespace fleetqshape {

// Applies reports, many at a time: while one batch is being synced to the disk the next gathers.
// A report is acknowledged, and becomes part of the fleet that questions see, when it is safe on
// the disk. Safe for use by several threads.
class IngestEngine {
 public:
  // What became of a report: an acknowledgement, a request for a snapshot, or an error (the store
  // failed; the agent has to send the report again later).
  using Outcome = absl::StatusOr<v1::AggregatorMessage>;
  using OnOutcome = std::function<void(Outcome)>;

  struct Counters {
    uint64_t reports = 0;     // applied
    uint64_t duplicates = 0;  // acknowledged again
    uint64_t refused = 0;     // answered with a request for a snapshot
    uint64_t cells = 0;       // arrivals gained and lost in the applied ones
    uint64_t batches = 0;     // writes to the store
  };

  // All outlive the engine.
  IngestEngine(Store* store, Fleet* fleet, const Clock* clock);
  // Waits for the batch that is being written. Reports that still wait for one get an error.
  ~IngestEngine();

  // Fills the fleet from the store and starts to work. A relay whose stored state is damaged is
  // logged and starts from nothing: its agent will be asked for a snapshot.
  absl::Status Start();

  // An agent opens a stream. INVALID_ARGUMENT: bad names; ALREADY_EXISTS: another stream, that of
  // `peer` in the message, already reports as this relay. On success the caller has to call
  // Disconnect when the stream ends.
  struct Connection {
    RelayId relay;
    v1::AggregatorMessage welcome;
  };
  absl::StatusOr<Connection> Connect(const v1::Hello& hello, const std::string& peer,
                                     int64_t relay_clock_milliseconds);
  void Disconnect(RelayId relay);

  // The relay's agent is alive.
  void Heard(RelayId relay, int64_t relay_clock_milliseconds);
  // Hands over a report; `on_outcome` is called once, from the engine's thread.
  void Submit(RelayId relay, v1::Report report, OnOutcome on_outcome);

  Counters counters() const;

 private:
  struct Job {
    RelayId relay;
    v1::Report report;
    OnOutcome on_outcome;
  };
  struct Relay {
    std::string peer;  // of the stream that reports as this relay; empty if there is none
    OperandBytes operands;
  };
  // A report that is part of the batch being written.
  struct Staged {
    Job job;
    AppliedReport applied;
  };

  void Run();
  // Decides what becomes of a job: answers it at once, or appends it to `staged`.
  void Stage(Job job, std::vector<Staged>* staged);
  void Commit(std::vector<Staged> staged);

  Store& store_;
  Fleet& fleet_;
  const Clock& clock_;

  mutable Mutex mutex_;
  ConditionVariable condition_;
  std::vector<Job> waiting_ FQS_GUARDED_BY(mutex_);
  std::map<RelayIdentity, RelayId> ids_ FQS_GUARDED_BY(mutex_);
  std::map<RelayId, Relay> relays_ FQS_GUARDED_BY(mutex_);
  RelayId next_id_ FQS_GUARDED_BY(mutex_) = 1;
  Counters counters_ FQS_GUARDED_BY(mutex_);
  bool stopping_ FQS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_ENGINE_H_
