#include "aggregator/ingest/ingest_engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/ingest/load_fleet.h"
#include "aggregator/ingest/relay_records.h"
#include "aggregator/ingest/whole_state.h"
#include "common/base/status_macros.h"
#include "common/base/threads.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

constexpr std::chrono::milliseconds kRound(1000);

// After its start the aggregator forgets nobody for so long: it was away itself, and the agents
// need some time to come back.
constexpr int64_t kForgetNobodyMilliseconds = 10 * 60'000;

// How old the time may be that the store has for when a relay was heard of. Reports bring it along.
constexpr int64_t kStoredHeardMilliseconds = 5 * 60'000;
constexpr int64_t kHeardRoundMilliseconds = 60'000;

v1::AggregatorMessage Acknowledge(const v1::PackedReport& report) {
  v1::AggregatorMessage message;
  message.mutable_acknowledgement()->set_epoch(report.epoch());
  message.mutable_acknowledgement()->set_sequence(report.sequence());
  return message;
}

v1::AggregatorMessage AskForSnapshot(absl::string_view reason) {
  v1::AggregatorMessage message;
  message.mutable_snapshot_request()->set_reason(std::string(reason));
  return message;
}

// A thread costs as much as a few reports. What reports cost differs: few are taken at a time.
constexpr size_t kWorthAThread = 16;
constexpr size_t kTakenAtATime = 4;
// Questions want to be answered, too.
constexpr size_t kMostStagingThreads = 4;

absl::Status StoppingError() { return absl::UnavailableError("the aggregator is stopping"); }

}  // namespace

IngestEngine::IngestEngine(Store* store, Fleet* fleet, const Clock* clock, const Options& options)
    : fleet_(*fleet),
      clock_(*clock),
      options_(options),
      staging_threads_(
          std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostStagingThreads)),
      registry_(fleet, clock),
      store_(store, fleet, clock) {}

void IngestEngine::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    condition_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  RefuseWaiting(StoppingError());
}

absl::Status IngestEngine::Load(absl::FunctionRef<bool()> stopping) {
  started_milliseconds_ = clock_.MonotonicMilliseconds();
  FQS_ASSIGN_OR_RETURN(LoadedFleet loaded,
                       LoadFleet(clock_, stopping, &store_, &registry_, &fleet_));
  for (const auto& [id, heard] : loaded.heard_milliseconds) stored_[id].heard_milliseconds = heard;
  unserved_ = std::move(loaded.left_out);
  Count(&Counters::damaged, loaded.damaged);
  return absl::OkStatus();
}

void IngestEngine::Count(uint64_t Counters::*counter, uint64_t count) {
  MutexLock lock(mutex_);
  counters_.*counter += count;
}

void IngestEngine::Start(std::function<void()> each_round) {
  thread_ = std::thread([this, each_round = std::move(each_round)] { Run(each_round); });
}

void IngestEngine::Run(const std::function<void()>& each_round) {
  auto round = std::chrono::steady_clock::now();
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (waiting_reports_.empty() && waiting_forgets_.empty() && !stopping_ &&
             std::chrono::steady_clock::now() < round) {
        condition_.WaitUntil(mutex_, round);
      }
      if (stopping_) return;
    }
    RunOnce();
    if (std::chrono::steady_clock::now() < round) continue;
    round = std::chrono::steady_clock::now() + kRound;
    fleet_.names().ReturnMemory();
    if (each_round) each_round();
  }
}

absl::StatusOr<IngestEngine::Connection> IngestEngine::Connect(const v1::Hello& hello,
                                                               const std::string& peer,
                                                               int64_t relay_clock_milliseconds,
                                                               std::function<void()> on_replaced) {
  FQS_RETURN_IF_ERROR(ValidateHello(hello));
  // What the agent would report could not be kept, and its relay would seem fresh.
  FQS_RETURN_IF_ERROR(store_.problem());
  return registry_.Connect(hello, peer, relay_clock_milliseconds, std::move(on_replaced));
}

void IngestEngine::Submit(const Connection& connection, v1::PackedReport report,
                          OnOutcome on_outcome) {
  {
    MutexLock lock(mutex_);
    if (!stopping_) {
      // Under the lock: what a later connection hands over cannot be before this.
      const RelayId relay = registry_.IsLast(connection) ? connection.relay : 0;
      waiting_reports_.push_back({relay, std::move(report), std::move(on_outcome)});
      condition_.NotifyOne();
      return;
    }
    ++counters_.unstored;
  }
  on_outcome(StoppingError());
}

void IngestEngine::Forget(std::vector<RelayId> relays, OnForgotten on_forgotten,
                          bool with_messages) {
  {
    MutexLock lock(mutex_);
    if (!stopping_) {
      waiting_forgets_.push_back({std::move(relays), std::move(on_forgotten), with_messages, {}});
      condition_.NotifyOne();
      return;
    }
  }
  on_forgotten(StoppingError());
}

void IngestEngine::TakeWaiting(std::vector<ReportJob>* reports, std::vector<ForgetJob>* forgets) {
  MutexLock lock(mutex_);
  std::set<RelayId> relays;
  std::vector<ReportJob> later;
  for (ReportJob& job : waiting_reports_) {
    (relays.insert(job.relay).second ? *reports : later).push_back(std::move(job));
  }
  waiting_reports_ = std::move(later);
  *forgets = std::exchange(waiting_forgets_, {});
}

void IngestEngine::RefuseWaiting(const absl::Status& problem) {
  std::vector<ReportJob> reports;
  std::vector<ForgetJob> forgets;
  {
    MutexLock lock(mutex_);
    reports = std::exchange(waiting_reports_, {});
    forgets = std::exchange(waiting_forgets_, {});
    counters_.unstored += reports.size();
  }
  for (const ReportJob& job : reports) job.on_outcome(problem);
  for (const ForgetJob& job : forgets) job.on_forgotten(problem);
}

void IngestEngine::RunOnce() {
  if (store_.RecoverIfDue()) {
    // A log that was damaged may have lost records that were written for this alone.
    for (auto& [id, stored] : stored_) stored.heard_milliseconds = kNotStored;
  }
  const absl::Status problem = store_.problem();
  if (!problem.ok()) {
    RefuseWaiting(problem);
    return;
  }
  const int64_t now = clock_.MonotonicMilliseconds();
  std::vector<ReportJob> reports;
  std::vector<ForgetJob> forgets;
  TakeWaiting(&reports, &forgets);
  Batch batch;
  StageReports(std::move(reports), &batch);
  for (auto& [on_outcome, outcome] : batch.answers) on_outcome(std::move(outcome));
  for (ForgetJob& job : forgets) StageForget(std::move(job), &batch);
  StageSilent(now, &batch);
  StageHeard(now, &batch);
  Commit(std::move(batch));
}

void IngestEngine::StageReport(ReportJob job, Batch* batch) {
  const v1::PackedReport& report = job.report;
  const auto answer = [&](Outcome outcome) {
    batch->answers.emplace_back(std::move(job.on_outcome), std::move(outcome));
  };
  if (report.epoch() == 0 || report.sequence() == 0) {
    return answer(absl::InvalidArgumentError("a report without an epoch or a sequence"));
  }
  if (!registry_.Has(job.relay)) {
    return answer(absl::NotFoundError(
        "the relay was forgotten, or its agent has come back by another stream"));
  }
  const RelayView view = fleet_.View(job.relay);
  const RelayState& state = *view.state;
  const bool same_epoch = report.epoch() == state.epoch;
  if (same_epoch && report.sequence() == state.sequence) {
    Count(&Counters::duplicates);
    return answer(Acknowledge(report));
  }
  const auto apply = [&]() -> absl::StatusOr<AppliedReport> {
    if (report.sequence() != (same_epoch ? state.sequence : 0) + 1) {
      return absl::FailedPreconditionError(absl::StrCat(
          "report ", report.sequence(), " does not follow ", same_epoch ? state.sequence : 0));
    }
    const auto stored = stored_.find(job.relay);
    return ApplyReport(job.relay, state,
                       stored == stored_.end() ? OperandBytes() : stored->second.operands,
                       &job.report, &fleet_.names());
  };
  absl::StatusOr<AppliedReport> applied = apply();
  if (!applied.ok()) {
    spdlog::warn("relay {}: report refused: {}", view.description->identity.ToString(),
                 std::string(applied.status().message()));
    Count(&Counters::refused);
    if (absl::IsDataLoss(applied.status())) Count(&Counters::digest_mismatches);
    return answer(AskForSnapshot(applied.status().message()));
  }
  applied->change.before = view.state;
  DescribeRelay(view, &applied->write.record);
  batch->writes.push_back(std::move(applied->write));
  batch->heard.emplace_back(view.id, view.heard.monotonic_milliseconds);
  batch->reports.push_back({std::move(job), *std::move(applied)});
}

void IngestEngine::StageReports(std::vector<ReportJob> jobs, Batch* batch) {
  const size_t threads = std::min(jobs.size() / kWorthAThread, staging_threads_);
  std::atomic<size_t> next = 0;
  const auto stage = [&](Batch* part) {
    for (size_t begin = next.fetch_add(kTakenAtATime); begin < jobs.size();
         begin = next.fetch_add(kTakenAtATime)) {
      const size_t end = std::min(begin + kTakenAtATime, jobs.size());
      for (size_t i = begin; i < end; ++i) StageReport(std::move(jobs[i]), part);
    }
  };
  std::vector<Batch> parts(std::max<size_t>(threads, 1));
  WorkInThreads(parts.size() - 1, [&](size_t thread) { stage(&parts[thread]); });
  const auto append = [](auto& from, auto* to) {
    to->insert(to->end(), std::make_move_iterator(from.begin()),
               std::make_move_iterator(from.end()));
  };
  for (Batch& part : parts) {
    append(part.reports, &batch->reports);
    append(part.answers, &batch->answers);
    append(part.writes, &batch->writes);
    append(part.heard, &batch->heard);
  }
}

void IngestEngine::StageForget(ForgetJob job, Batch* batch) {
  for (const RelayId id : job.relays) {
    switch (registry_.BeginLeaving(id)) {
      case RelayRegistry::Leaving::kUnknown:
        break;
      case RelayRegistry::Leaving::kConnected:
        job.result.connected.push_back(id);
        break;
      case RelayRegistry::Leaving::kBegun:
        if (!job.with_messages && HasMessages(id, *batch)) {
          registry_.Stay(id);
          job.result.with_messages.push_back(id);
          break;
        }
        batch->writes.emplace_back().relay = id;
        batch->writes.back().forget = true;
        job.result.forgotten.push_back(id);
    }
  }
  batch->forgets.push_back(std::move(job));
}

bool IngestEngine::HasMessages(RelayId relay, const Batch& batch) const {
  std::shared_ptr<const RelayState> state = fleet_.View(relay).state;
  for (const StagedReport& staged : batch.reports) {
    if (staged.job.relay == relay) state = staged.applied.state;
  }
  const auto messages = MessagesOf(*state);
  return state->damaged ||
         std::any_of(messages.begin(), messages.end(), [](uint64_t count) { return count > 0; });
}

void IngestEngine::StageSilent(int64_t now, Batch* batch) {
  if (now - started_milliseconds_ < kForgetNobodyMilliseconds) return;
  ForgetJob job;
  if (now < next_heard_milliseconds_) return;  // as often as those
  for (const RelayView& view : fleet_.Snapshot()) {
    if (view.connected ||
        now - view.heard.monotonic_milliseconds < options_.forget_after_milliseconds) {
      continue;
    }
    const auto messages = MessagesOf(*view.state);
    spdlog::warn("relay {} was silent for {} hours: it is forgotten, with {} messages",
                 view.description->identity.ToString(),
                 (now - view.heard.monotonic_milliseconds) / 3'600'000,
                 std::accumulate(messages.begin(), messages.end(), uint64_t{0}));
    job.relays.push_back(view.id);
  }
  if (job.relays.empty()) return;
  job.on_forgotten = [](const auto&) {};
  StageForget(std::move(job), batch);
}

void IngestEngine::StageHeard(int64_t now, Batch* batch) {
  if (now < next_heard_milliseconds_) return;
  next_heard_milliseconds_ = now + kHeardRoundMilliseconds;
  for (const RelayId id : std::exchange(unserved_, {})) {
    batch->writes.emplace_back().relay = id;
    batch->writes.back().forget = true;
  }
  std::set<RelayId> staged;
  for (const RelayWrite& write : batch->writes) staged.insert(write.relay);
  for (const RelayView& view : fleet_.Snapshot()) {
    const RelayState& state = *view.state;
    if (staged.contains(view.id) || (state.epoch == 0 && !state.damaged)) continue;
    const int64_t heard = view.heard.monotonic_milliseconds;
    const int64_t behind = heard - stored_[view.id].heard_milliseconds;
    if (behind <= (view.connected ? kStoredHeardMilliseconds : 0)) continue;
    batch->heard.emplace_back(view.id, heard);
    batch->writes.push_back(state.damaged ? WriteOfState(view, fleet_.names())
                                          : WriteOfRecord(view));
  }
}

void IngestEngine::Commit(Batch batch) {
  if (!batch.writes.empty()) {
    const absl::Status written = store_.Apply(batch.writes);
    if (!written.ok()) {
      Refuse(batch, written);
      return;
    }
    Count(&Counters::batches);
  }
  for (const auto& [relay, heard] : batch.heard) stored_[relay].heard_milliseconds = heard;
  for (StagedReport& staged : batch.reports) FinishReport(staged);
  for (ForgetJob& job : batch.forgets) FinishForget(job);
}

void IngestEngine::FinishReport(StagedReport& staged) {
  const v1::PackedReport& report = staged.job.report;
  const RelayView before = fleet_.View(staged.job.relay);
  StateDifference difference;
  if (report.sequence() == 1 && before.state->epoch != 0) {
    difference = CompareStates(*before.state, *staged.applied.state);
    spdlog::info(
        "relay {}: a snapshot, with {} arrivals that were not known and without {} that were",
        before.description->identity.ToString(), difference.gained, difference.lost);
  }
  if (report.sequence() == 1) {
    fleet_.SetState(staged.job.relay, staged.applied.state);
  } else {
    fleet_.SetState(staged.job.relay, staged.applied.state, staged.applied.change);
  }
  stored_[staged.job.relay].operands = staged.applied.operands;
  {
    MutexLock lock(mutex_);
    ++counters_.reports;
    counters_.snapshots += report.sequence() == 1 ? 1 : 0;
    counters_.cells += staged.applied.cells;
    counters_.snapshot_gained += difference.gained;
    counters_.snapshot_lost += difference.lost;
  }
  staged.job.on_outcome(Acknowledge(report));
}

void IngestEngine::FinishForget(ForgetJob& job) {
  for (const RelayId id : job.result.forgotten) {
    registry_.Leave(id);
    stored_.erase(id);
  }
  Count(&Counters::forgotten, job.result.forgotten.size());
  job.on_forgotten(std::move(job.result));
}

void IngestEngine::Refuse(const Batch& batch, const absl::Status& problem) {
  Count(&Counters::unstored, batch.reports.size());
  for (const ForgetJob& job : batch.forgets) {
    for (const RelayId id : job.result.forgotten) registry_.Stay(id);
  }
  for (const StagedReport& staged : batch.reports) staged.job.on_outcome(problem);
  for (const ForgetJob& job : batch.forgets) job.on_forgotten(problem);
}

IngestEngine::Counters IngestEngine::counters() const {
  const RecoveringStore::Counters store = store_.counters();
  MutexLock lock(mutex_);
  Counters counters = counters_;
  counters.failed_batches = store.failed_batches;
  counters.recoveries = store.recoveries;
  return counters;
}

}  // namespace fleetqshape
