// The fleet's reports, and what becomes of them, without a transport.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_ENGINE_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_ENGINE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/recovering_store.h"
#include "aggregator/ingest/relay_registry.h"
#include "aggregator/ingest/report_stager.h"
#include "aggregator/store/store.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/report.pb.h"

namespace fleetqshape {

// Applies reports, and writes many at a time: while one batch is being synced to the disk the next
// gathers. Those who hand reports over also stage them, that is, they make the states that reports
// lead to; the engine's thread writes those. A report is acknowledged, and becomes part of the
// fleet that questions see, when it is safe on the disk. While the store does not work
// (RecoveringStore), reports and agents are refused. Safe for use by several threads.
class IngestEngine {
 public:
  struct Options {
    // A relay that was not heard of for so long is forgotten.
    int64_t forget_after_milliseconds = int64_t{7} * 24 * 3600 * 1000;
  };

  // What became of a report. An error: the store failed; the agent has to send it again later.
  using Outcome = ReportOutcome;
  using OnOutcome = std::function<void(Outcome)>;

  struct Counters {
    uint64_t reports = 0;            // applied
    uint64_t snapshots = 0;          // of them
    uint64_t duplicates = 0;         // acknowledged again
    uint64_t refused = 0;            // answered with a request for a snapshot
    uint64_t digest_mismatches = 0;  // of them, for another digest
    uint64_t unstored = 0;           // turned away because the store failed
    uint64_t cells = 0;              // arrivals gained and lost in the applied ones
    uint64_t snapshot_gained = 0;    // arrivals in which snapshots differed from what was known
    uint64_t snapshot_lost = 0;
    uint64_t batches = 0;         // written to the store
    uint64_t failed_batches = 0;  // not written
    uint64_t recoveries = 0;      // of the store
    uint64_t damaged = 0;         // relays whose stored state could not be read
    uint64_t forgotten = 0;       // relays
  };

  // All outlive the engine.
  IngestEngine(Store* store, Fleet* fleet, const Clock* clock, const Options& options);
  ~IngestEngine() { Stop(); }

  // Fills the fleet from the store. A relay whose stored state is damaged is logged and starts from
  // nothing: its agent will be asked for a snapshot. To be called before anything else. `stopping`
  // is asked before each relay; once it says so, CANCELLED: then the engine is of no use.
  absl::Status Load(absl::FunctionRef<bool()> stopping = [] { return false; });
  // Starts to work, in a thread. `each_round` is called there about every second.
  void Start(std::function<void()> each_round = nullptr);
  // Ends the thread, after the batch that is being written. What waits gets an error (UNAVAILABLE),
  // and so does what is handed over later, from the caller's thread.
  void Stop();
  // What the thread does: all that waits, in one batch. For those who don't call Start.
  void RunOnce();

  // An agent opens a stream, as RelayRegistry::Connect, and INVALID_ARGUMENT: bad names;
  // UNAVAILABLE, RESOURCE_EXHAUSTED: the store takes no reports at the moment. On success the
  // caller has to call Disconnect when the stream ends; after `on_replaced` it is of no use any
  // more.
  using Connection = RelayRegistry::Connection;
  absl::StatusOr<Connection> Connect(const v1::Hello& hello, const std::string& peer,
                                     int64_t relay_clock_milliseconds,
                                     std::function<void()> on_replaced = nullptr);
  void Disconnect(const Connection& connection) { registry_.Disconnect(connection); }

  // The relay's agent is alive. Says nothing if the agent has come back by another stream.
  void Heard(const Connection& connection, int64_t relay_clock_milliseconds) {
    registry_.Heard(connection, relay_clock_milliseconds);
  }
  // Hands over a report, and stages it, which takes a tenth of a millisecond for a usual one, and
  // seconds for the largest; but not while an earlier one of the relay is under way: then the
  // engine's thread does it. `on_outcome` is called once, from the engine's thread, without a lock.
  // NOT_FOUND: the relay was forgotten, or the agent has come back by another stream, which was
  // told what the aggregator has: nothing older may come after that.
  void Submit(const Connection& connection, v1::PackedReport report, OnOutcome on_outcome);

  // Forgets relays, but not those whose agents report now, nor, unless `with_messages`, those whose
  // queues were not empty, or may not have been. `on_forgotten` is called once, as above.
  struct Forgotten {
    std::vector<RelayId> forgotten;
    std::vector<RelayId> connected;
    std::vector<RelayId> with_messages;  // which stay for that
  };
  using OnForgotten = std::function<void(absl::StatusOr<Forgotten>)>;
  void Forget(std::vector<RelayId> relays, OnForgotten on_forgotten, bool with_messages = true);

  Counters counters() const;

 private:
  static constexpr int64_t kNotStored = std::numeric_limits<int64_t>::min() / 2;

  struct ReportJob {
    RelayId relay;  // 0, which is no relay's: its agent has come back by another stream
    v1::PackedReport report;
    OnOutcome on_outcome;
  };
  struct StagedJob {
    StagedReport report;
    OnOutcome on_outcome;
  };
  struct ForgetJob {
    std::vector<RelayId> relays;
    OnForgotten on_forgotten;
    bool with_messages = true;
    Forgotten result;
  };
  struct Batch {
    std::vector<StagedJob> reports;
    std::vector<ForgetJob> forgets;
    std::vector<RelayWrite> writes;  // of both, and of records that are out of date
    // When the records that are written say that relays were heard of, in monotonic milliseconds.
    std::vector<std::pair<RelayId, int64_t>> heard;
  };

  void Run(const std::function<void()>& each_round);
  void Count(uint64_t Counters::*counter, uint64_t count = 1);

  StagedJob Stage(ReportJob job);
  // Takes what is staged, and what is to be staged next; stages that.
  void TakeWaiting(std::vector<StagedJob>* reports, std::vector<ForgetJob>* forgets);
  // Answers all that waits with `problem`.
  void RefuseWaiting(const absl::Status& problem);
  // Makes a staged report part of the batch, or answers it at once.
  void AddReport(StagedJob job, Batch* batch);
  void StageForget(ForgetJob job, Batch* batch);
  // Whether the relay has messages, or may have, after the batch.
  bool HasMessages(RelayId relay, const Batch& batch) const;
  // Relays that were silent for too long.
  void StageSilent(int64_t now, Batch* batch);
  // When relays were heard of last, now and then.
  void StageHeard(int64_t now, Batch* batch);
  void Commit(Batch batch);
  void FinishReport(StagedJob& job);
  // Tells what became of a report that its relay was busy with, and lets the next one come.
  void Answer(RelayId relay, const OnOutcome& on_outcome, Outcome outcome);
  void FinishForget(ForgetJob& job);
  // Answers what was part of a batch that could not be written.
  void Refuse(const Batch& batch, const absl::Status& problem);

  Fleet& fleet_;
  const Clock& clock_;
  const Options options_;

  RelayRegistry registry_;
  RecoveringStore store_;

  // For the engine's thread.
  int64_t started_milliseconds_ = 0;
  int64_t next_heard_milliseconds_ = 0;
  std::vector<RelayId> unserved_;  // stored, and none of the fleet
  // When the stored record says that a relay was heard of, in monotonic milliseconds; kNotStored if
  // it has to be written in any case.
  std::map<RelayId, int64_t> stored_heard_;

  mutable Mutex mutex_;
  ConditionVariable condition_;
  // Relays of which a report is to be staged, is being staged, or is staged, and not yet answered;
  // with those that wait for that, in their order.
  std::map<RelayId, std::list<ReportJob>> busy_ FQS_GUARDED_BY(mutex_);
  std::vector<StagedJob> staged_reports_ FQS_GUARDED_BY(mutex_);
  // That waited, and are to be staged now.
  std::vector<ReportJob> next_reports_ FQS_GUARDED_BY(mutex_);
  std::vector<ForgetJob> waiting_forgets_ FQS_GUARDED_BY(mutex_);
  Counters counters_ FQS_GUARDED_BY(mutex_);
  bool stopping_ FQS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_ENGINE_H_
