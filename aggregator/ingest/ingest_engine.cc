#include "aggregator/ingest/ingest_engine.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "aggregator/ingest/load_fleet.h"
#include "aggregator/ingest/relay_records.h"
#include "aggregator/ingest/whole_state.h"
#include "common/base/status_macros.h"
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

absl::Status StoppingError() { return absl::UnavailableError("the aggregator is stopping"); }

}  // namespace

IngestEngine::IngestEngine(Store* store, Fleet* fleet, const Clock* clock, const Options& options)
    : fleet_(*fleet),
      clock_(*clock),
      options_(options),
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
  for (const auto& [id, heard] : loaded.heard_milliseconds) stored_heard_[id] = heard;
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
      while (staged_reports_.empty() && next_reports_.empty() && waiting_forgets_.empty() &&
             !stopping_ && std::chrono::steady_clock::now() < round) {
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
  ReportJob job{0, std::move(report), std::move(on_outcome)};
  bool stopping = false;
  {
    MutexLock lock(mutex_);
    stopping = stopping_;
    if (!stopping) {
      // Under the lock: what a later connection hands over cannot be before this.
      if (registry_.IsLast(connection)) job.relay = connection.relay;
      if (job.relay != 0) {
        const auto [busy, was_free] = busy_.try_emplace(job.relay);
        if (!was_free) {
          busy->second.push_back(std::move(job));
          return;
        }
      }
    }
  }
  if (!stopping) {
    StagedJob staged = Stage(std::move(job));
    MutexLock lock(mutex_);
    if (!stopping_) {
      staged_reports_.push_back(std::move(staged));
      condition_.NotifyOne();
      return;
    }
    job.on_outcome = std::move(staged.on_outcome);
  }
  Count(&Counters::unstored);
  job.on_outcome(StoppingError());
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

IngestEngine::StagedJob IngestEngine::Stage(ReportJob job) {
  return {StageReport(job.relay, std::move(job.report), registry_, &fleet_),
          std::move(job.on_outcome)};
}

void IngestEngine::TakeWaiting(std::vector<StagedJob>* reports, std::vector<ForgetJob>* forgets) {
  std::vector<ReportJob> jobs;
  {
    MutexLock lock(mutex_);
    *reports = std::exchange(staged_reports_, {});
    *forgets = std::exchange(waiting_forgets_, {});
    jobs = std::exchange(next_reports_, {});
  }
  for (ReportJob& job : jobs) reports->push_back(Stage(std::move(job)));
}

void IngestEngine::RefuseWaiting(const absl::Status& problem) {
  std::vector<StagedJob> staged;
  std::vector<ReportJob> next;
  std::list<ReportJob> waiting;
  std::vector<ForgetJob> forgets;
  {
    MutexLock lock(mutex_);
    staged = std::exchange(staged_reports_, {});
    next = std::exchange(next_reports_, {});
    for (auto& [relay, jobs] : busy_) waiting.splice(waiting.end(), jobs);
    forgets = std::exchange(waiting_forgets_, {});
    counters_.unstored += staged.size() + next.size() + waiting.size();
  }
  for (const StagedJob& job : staged) Answer(job.report.relay, job.on_outcome, problem);
  for (const ReportJob& job : next) Answer(job.relay, job.on_outcome, problem);
  for (const ReportJob& job : waiting) job.on_outcome(problem);
  for (const ForgetJob& job : forgets) job.on_forgotten(problem);
}

void IngestEngine::RunOnce() {
  if (store_.RecoverIfDue()) {
    // A log that was damaged may have lost records that were written for this alone.
    for (auto& [id, heard] : stored_heard_) heard = kNotStored;
  }
  const absl::Status problem = store_.problem();
  if (!problem.ok()) {
    RefuseWaiting(problem);
    return;
  }
  const int64_t now = clock_.MonotonicMilliseconds();
  std::vector<StagedJob> reports;
  std::vector<ForgetJob> forgets;
  TakeWaiting(&reports, &forgets);
  Batch batch;
  for (StagedJob& job : reports) AddReport(std::move(job), &batch);
  for (ForgetJob& job : forgets) StageForget(std::move(job), &batch);
  StageSilent(now, &batch);
  StageHeard(now, &batch);
  Commit(std::move(batch));
}

void IngestEngine::AddReport(StagedJob job, Batch* batch) {
  using Kind = StagedReport::Kind;
  StagedReport& report = job.report;
  if (report.kind == Kind::kApplied) {
    // Since it was staged the relay may have been forgotten.
    const std::optional<RelayView> view = fleet_.Find(report.relay);
    if (view && view->state == report.applied.change.before) {
      batch->writes.push_back(std::move(report.applied.write));
      batch->heard.emplace_back(report.relay, report.heard_milliseconds);
      batch->reports.push_back(std::move(job));
      return;
    }
    report.answer = absl::NotFoundError("the relay was forgotten");
  }
  {
    MutexLock lock(mutex_);
    counters_.duplicates += report.kind == Kind::kDuplicate ? 1 : 0;
    counters_.refused += report.kind == Kind::kRefused || report.kind == Kind::kMismatched ? 1 : 0;
    counters_.digest_mismatches += report.kind == Kind::kMismatched ? 1 : 0;
  }
  Outcome answer = *std::move(report.answer);
  Answer(report.relay, job.on_outcome, std::move(answer));
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
  for (const StagedJob& job : batch.reports) {
    if (job.report.relay == relay) state = job.report.applied.state;
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
    const auto stored = stored_heard_.find(view.id);
    const int64_t behind = heard - (stored == stored_heard_.end() ? kNotStored : stored->second);
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
  for (const auto& [relay, heard] : batch.heard) stored_heard_[relay] = heard;
  for (StagedJob& job : batch.reports) FinishReport(job);
  for (ForgetJob& job : batch.forgets) FinishForget(job);
}

void IngestEngine::FinishReport(StagedJob& job) {
  StagedReport& report = job.report;
  const bool snapshot = report.sequence == 1;
  StateDifference difference;
  const RelayState& before = *report.applied.change.before;
  if (snapshot && before.epoch != 0) {
    difference = CompareStates(before, *report.applied.state);
    spdlog::info(
        "relay {}: a snapshot, with {} arrivals that were not known and without {} that were",
        fleet_.View(report.relay).description->identity.ToString(), difference.gained,
        difference.lost);
  }
  if (snapshot) {
    fleet_.SetState(report.relay, report.applied.state);
  } else {
    fleet_.SetState(report.relay, report.applied.state, report.applied.change);
  }
  {
    MutexLock lock(mutex_);
    ++counters_.reports;
    counters_.snapshots += snapshot ? 1 : 0;
    counters_.cells += report.applied.cells;
    counters_.snapshot_gained += difference.gained;
    counters_.snapshot_lost += difference.lost;
  }
  Answer(report.relay, job.on_outcome, Acknowledge(report.epoch, report.sequence));
}

void IngestEngine::Answer(RelayId relay, const OnOutcome& on_outcome, Outcome outcome) {
  {
    MutexLock lock(mutex_);
    const auto busy = busy_.find(relay);
    if (busy != busy_.end() && busy->second.empty()) {
      busy_.erase(busy);
    } else if (busy != busy_.end()) {
      // The relay stays busy: nothing that comes now may pass by what waited.
      next_reports_.push_back(std::move(busy->second.front()));
      busy->second.pop_front();
    }
  }
  on_outcome(std::move(outcome));
}

void IngestEngine::FinishForget(ForgetJob& job) {
  for (const RelayId id : job.result.forgotten) {
    registry_.Leave(id);
    stored_heard_.erase(id);
  }
  Count(&Counters::forgotten, job.result.forgotten.size());
  job.on_forgotten(std::move(job.result));
}

void IngestEngine::Refuse(const Batch& batch, const absl::Status& problem) {
  Count(&Counters::unstored, batch.reports.size());
  for (const ForgetJob& job : batch.forgets) {
    for (const RelayId id : job.result.forgotten) registry_.Stay(id);
  }
  for (const StagedJob& job : batch.reports) Answer(job.report.relay, job.on_outcome, problem);
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
