#include "aggregator/ingest/ingest_engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <limits>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/ingest/reconcile.h"
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

// For a record that has to be written in any case.
constexpr int64_t kNotStored = std::numeric_limits<int64_t>::min() / 2;

// Between two attempts to recover the store, doubling from the first to the second.
constexpr int64_t kFirstRecoveryMilliseconds = 500;
constexpr int64_t kLastRecoveryMilliseconds = 8000;

v1::AggregatorMessage Acknowledge(const v1::Report& report) {
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

uint64_t CellsOf(const v1::Report& report) {
  uint64_t cells = 0;
  for (const v1::Section& section : report.sections()) {
    cells += static_cast<uint64_t>(section.gained_steps_size() + section.lost_steps_size());
  }
  return cells;
}

// How far a relay's clock is ahead. The agent may claim any time: what does not fit stays at the
// end of the range.
int64_t ClockOffset(int64_t relay_milliseconds, int64_t now_milliseconds) {
  int64_t offset = 0;
  if (!__builtin_sub_overflow(relay_milliseconds, now_milliseconds, &offset)) return offset;
  return relay_milliseconds < 0 ? std::numeric_limits<int64_t>::min()
                                : std::numeric_limits<int64_t>::max();
}

// A thread costs as much as a few reports. What reports cost differs: few are taken at a time.
constexpr size_t kWorthAThread = 16;
constexpr size_t kTakenAtATime = 4;
// Questions want to be answered, too.
constexpr size_t kMostStagingThreads = 4;

// In the words that agents log and answers show.
absl::Status StoreProblem(const absl::Status& failure) {
  const bool full = absl::IsResourceExhausted(failure);
  return absl::Status(failure.code(),
                      absl::StrCat("the aggregator cannot store reports",
                                   full ? ", its disk is full: make room there" : "", " (",
                                   failure.message(), "); it goes on by itself once it can"));
}

}  // namespace

IngestEngine::IngestEngine(Store* store, Fleet* fleet, const Clock* clock, const Options& options)
    : store_(*store),
      fleet_(*fleet),
      clock_(*clock),
      options_(options),
      staging_threads_(
          std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostStagingThreads)) {}

void IngestEngine::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    condition_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  RefuseWaiting(absl::UnavailableError("the aggregator is stopping"));
}

absl::Status IngestEngine::Load() {
  started_milliseconds_ = clock_.MonotonicMilliseconds();
  return store_.Load([](RelayId, const v1::StoredRelay&) { return true; },
                     [&](LoadedRelay loaded, const absl::Status& problem) {
                       LoadRelay(std::move(loaded), problem);
                     });
}

void IngestEngine::LoadRelay(LoadedRelay loaded, const absl::Status& problem) {
  const RelayId id = loaded.relay;
  const auto description = DescriptionOf(loaded.record);
  MutexLock lock(mutex_);
  // Its id is taken, whatever comes of the rest.
  next_id_ = std::max(next_id_, id + 1);
  if (description->identity.host.empty()) {
    ++counters_.damaged;
    spdlog::error("stored relay {} can't be read ({}): it is left out", id,
                  std::string(problem.message()));
    unserved_.push_back(id);
    return;
  }
  const Moment now = clock_.Now();
  const int64_t silent =
      std::max<int64_t>(now.wall_milliseconds - loaded.record.heard_milliseconds(), 0);
  const Moment heard{loaded.record.heard_milliseconds(), now.monotonic_milliseconds - silent};
  const auto [served, is_new] = ids_.try_emplace(description->identity, id);
  if (!is_new) {
    // Where files were damaged, a relay that was forgotten may be back. It must not count twice.
    const bool is_later =
        fleet_.View(served->second).heard.wall_milliseconds <= heard.wall_milliseconds;
    const RelayId left_out = is_later ? std::exchange(served->second, id) : id;
    ++counters_.damaged;
    spdlog::error("relay {} is stored twice: what was heard of earlier, number {}, is left out",
                  description->identity.ToString(), left_out);
    unserved_.push_back(left_out);
    if (!is_later) return;
    relays_.erase(left_out);
    fleet_.Remove(left_out);
  }
  relays_[id].stored_heard_milliseconds = heard.monotonic_milliseconds;
  fleet_.Describe(id, description);
  fleet_.Heard(id, heard, loaded.record.clock_offset_milliseconds());
  const auto load = [&]() -> absl::StatusOr<std::shared_ptr<const RelayState>> {
    FQS_RETURN_IF_ERROR(problem);
    return StateOfLoaded(loaded, &fleet_.names());
  };
  auto state = load();
  if (!state.ok()) {
    ++counters_.damaged;
    spdlog::error(
        "the stored state of relay {} is damaged ({}): it starts from nothing, and its agent will "
        "be asked for a snapshot",
        description->identity.ToString(), std::string(state.status().message()));
    auto nothing = EmptyRelayState();
    nothing->damaged = true;
    state = std::move(nothing);
    relays_[id].stored_heard_milliseconds = kNotStored;
  }
  fleet_.SetState(id, *state);
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
    if (each_round) each_round();
  }
}

absl::StatusOr<IngestEngine::Connection> IngestEngine::Connect(const v1::Hello& hello,
                                                               const std::string& peer,
                                                               int64_t relay_clock_milliseconds,
                                                               std::function<void()> on_replaced) {
  FQS_RETURN_IF_ERROR(ValidateHello(hello));
  absl::StatusOr<Connection> connection = Connection();
  {
    MutexLock lock(mutex_);
    connection = ConnectLocked(hello, peer, relay_clock_milliseconds, &on_replaced);
  }
  // That of the stream before now.
  if (connection.ok() && on_replaced) on_replaced();
  return connection;
}

absl::StatusOr<IngestEngine::Connection> IngestEngine::ConnectLocked(
    const v1::Hello& hello, const std::string& peer, int64_t relay_clock_milliseconds,
    std::function<void()>* on_replaced) {
  // What the agent would report could not be kept, and its relay would seem fresh.
  FQS_RETURN_IF_ERROR(problem_);
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

void IngestEngine::Disconnect(const Connection& connection) {
  MutexLock lock(mutex_);
  const auto relay = relays_.find(connection.relay);
  if (relay == relays_.end() || relay->second.connection != connection.number) return;
  relay->second.peer.clear();
  relay->second.on_replaced = nullptr;
  fleet_.SetConnected(connection.relay, false);
}

void IngestEngine::Heard(const Connection& connection, int64_t relay_clock_milliseconds) {
  const Moment now = clock_.Now();
  MutexLock lock(mutex_);
  // One that was replaced may be told to end only now, with the relay forgotten since.
  const auto relay = relays_.find(connection.relay);
  if (relay == relays_.end() || relay->second.connection != connection.number) return;
  fleet_.Heard(connection.relay, now, ClockOffset(relay_clock_milliseconds, now.wall_milliseconds));
}

void IngestEngine::Submit(const Connection& connection, v1::Report report, OnOutcome on_outcome) {
  MutexLock lock(mutex_);
  const auto relay = relays_.find(connection.relay);
  const bool current = relay != relays_.end() && relay->second.connection == connection.number;
  // 0 is no relay's.
  waiting_reports_.push_back(
      {current ? connection.relay : 0, std::move(report), std::move(on_outcome)});
  condition_.NotifyOne();
}

void IngestEngine::Forget(std::vector<RelayId> relays, OnForgotten on_forgotten,
                          bool with_messages) {
  MutexLock lock(mutex_);
  waiting_forgets_.push_back({std::move(relays), std::move(on_forgotten), with_messages, {}});
  condition_.NotifyOne();
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
  const int64_t now = clock_.MonotonicMilliseconds();
  if (!StoreWorks(now)) {
    absl::Status problem;
    {
      MutexLock lock(mutex_);
      problem = problem_;
    }
    RefuseWaiting(problem);
    return;
  }
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
  const v1::Report& report = job.report;
  if (report.epoch() == 0 || report.sequence() == 0) {
    batch->answers.emplace_back(
        std::move(job.on_outcome),
        absl::InvalidArgumentError("a report without an epoch or a sequence"));
    return;
  }
  OperandBytes operands;
  {
    MutexLock lock(mutex_);
    const auto relay = relays_.find(job.relay);
    if (relay != relays_.end()) operands = relay->second.operands;
    // Its stream has ended, and so has the relay.
    if (relay == relays_.end()) job.relay = 0;
  }
  if (job.relay == 0) {
    batch->answers.emplace_back(std::move(job.on_outcome),
                                absl::NotFoundError("the relay was forgotten"));
    return;
  }
  const RelayView view = fleet_.View(job.relay);
  const RelayState& state = *view.state;
  const bool same_epoch = report.epoch() == state.epoch;
  if (same_epoch && report.sequence() == state.sequence) {
    {
      MutexLock lock(mutex_);
      ++counters_.duplicates;
    }
    batch->answers.emplace_back(std::move(job.on_outcome), Acknowledge(report));
    return;
  }
  const bool follows =
      same_epoch ? report.sequence() == state.sequence + 1 : report.sequence() == 1;
  absl::StatusOr<AppliedReport> applied = absl::FailedPreconditionError(absl::StrCat(
      "report ", report.sequence(), " does not follow ", same_epoch ? state.sequence : 0));
  if (follows) applied = ApplyReport(job.relay, state, operands, &job.report, &fleet_.names());
  if (!applied.ok()) {
    spdlog::warn("relay {}: report refused: {}", view.description->identity.ToString(),
                 std::string(applied.status().message()));
    {
      MutexLock lock(mutex_);
      ++counters_.refused;
      counters_.digest_mismatches += absl::IsDataLoss(applied.status()) ? 1 : 0;
    }
    batch->answers.emplace_back(std::move(job.on_outcome),
                                AskForSnapshot(applied.status().message()));
    return;
  }
  DescribeRelay(view, &applied->write.record);
  batch->writes.push_back(std::move(applied->write));
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
  std::vector<Batch> parts(std::max<size_t>(threads, 1) - 1);
  std::vector<std::thread> others;
  others.reserve(parts.size());
  for (Batch& part : parts) others.emplace_back([&stage, &part] { stage(&part); });
  stage(batch);
  const auto append = [](auto& from, auto* to) {
    to->insert(to->end(), std::make_move_iterator(from.begin()),
               std::make_move_iterator(from.end()));
  };
  for (size_t i = 0; i < parts.size(); ++i) {
    others[i].join();
    append(parts[i].reports, &batch->reports);
    append(parts[i].writes, &batch->writes);
    append(parts[i].answers, &batch->answers);
  }
}

void IngestEngine::StageForget(ForgetJob job, Batch* batch) {
  MutexLock lock(mutex_);
  for (const RelayId id : job.relays) {
    const auto relay = relays_.find(id);
    if (relay == relays_.end() || relay->second.leaving) continue;
    if (!relay->second.peer.empty()) {
      job.result.connected.push_back(id);
      continue;
    }
    if (!job.with_messages && HasMessages(id, *batch)) {
      job.result.with_messages.push_back(id);
      continue;
    }
    relay->second.leaving = true;
    batch->writes.emplace_back().relay = id;
    batch->writes.back().forget = true;
    job.result.forgotten.push_back(id);
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
    {
      MutexLock lock(mutex_);
      Relay& relay = relays_[view.id];
      const int64_t behind = view.heard.monotonic_milliseconds - relay.stored_heard_milliseconds;
      if (behind <= (view.connected ? kStoredHeardMilliseconds : 0)) continue;
      relay.stored_heard_milliseconds = view.heard.monotonic_milliseconds;
    }
    batch->writes.push_back(state.damaged ? WriteOfState(view, fleet_.names())
                                          : WriteOfRecord(view));
  }
}

void IngestEngine::Commit(Batch batch) {
  const absl::Status written = batch.writes.empty() ? absl::OkStatus() : store_.Apply(batch.writes);
  if (!written.ok()) {
    NoteFailure(written, batch);
    for (const StagedReport& staged : batch.reports) staged.job.on_outcome(StoreProblem(written));
    for (const ForgetJob& job : batch.forgets) job.on_forgotten(StoreProblem(written));
    return;
  }
  for (StagedReport& staged : batch.reports) FinishReport(staged);
  for (ForgetJob& job : batch.forgets) FinishForget(job);
  MutexLock lock(mutex_);
  counters_.batches += batch.writes.empty() ? 0 : 1;
}

void IngestEngine::FinishReport(StagedReport& staged) {
  const v1::Report& report = staged.job.report;
  const RelayView before = fleet_.View(staged.job.relay);
  StateDifference difference;
  if (report.sequence() == 1 && before.state->epoch != 0) {
    difference = CompareStates(*before.state, *staged.applied.state);
    spdlog::info(
        "relay {}: a snapshot, with {} arrivals that were not known and without {} that were",
        before.description->identity.ToString(), difference.gained, difference.lost);
  }
  fleet_.SetState(staged.job.relay, staged.applied.state);
  {
    MutexLock lock(mutex_);
    Relay& relay = relays_[staged.job.relay];
    relay.operands = staged.applied.operands;
    relay.stored_heard_milliseconds = before.heard.monotonic_milliseconds;
    ++counters_.reports;
    counters_.snapshots += report.sequence() == 1 ? 1 : 0;
    counters_.cells += CellsOf(report);
    counters_.snapshot_gained += difference.gained;
    counters_.snapshot_lost += difference.lost;
  }
  staged.job.on_outcome(Acknowledge(report));
}

void IngestEngine::FinishForget(ForgetJob& job) {
  {
    MutexLock lock(mutex_);
    for (const RelayId id : job.result.forgotten) {
      ids_.erase(fleet_.View(id).description->identity);
      relays_.erase(id);
      fleet_.Remove(id);
      ++counters_.forgotten;
    }
  }
  job.on_forgotten(std::move(job.result));
}

absl::StatusOr<size_t> IngestEngine::RecoverStore() {
  FQS_RETURN_IF_ERROR(store_.Recover());
  return Reconcile(fleet_, &store_);
}

bool IngestEngine::StoreWorks(int64_t now) {
  {
    MutexLock lock(mutex_);
    if (problem_.ok()) return true;
  }
  if (now < next_recovery_milliseconds_) return false;
  const absl::StatusOr<size_t> reconciled = RecoverStore();
  recovery_delay_milliseconds_ = std::clamp(2 * recovery_delay_milliseconds_,
                                            kFirstRecoveryMilliseconds, kLastRecoveryMilliseconds);
  next_recovery_milliseconds_ = now + recovery_delay_milliseconds_;
  if (!reconciled.ok()) {
    spdlog::debug("the store is not back: {}", std::string(reconciled.status().message()));
    const absl::Status problem = StoreProblem(reconciled.status());
    fleet_.SetProblem(std::string(problem.message()));
    MutexLock lock(mutex_);
    problem_ = problem;
    return false;
  }
  spdlog::warn("the store works again; {} relays were written again or taken out of it",
               *reconciled);
  recovery_delay_milliseconds_ = 0;
  fleet_.SetProblem("");
  MutexLock lock(mutex_);
  problem_ = absl::OkStatus();
  ++counters_.recoveries;
  // Its records are as old as they are.
  for (auto& [id, relay] : relays_) {
    relay.operands = OperandBytes();
    relay.stored_heard_milliseconds = kNotStored;
  }
  return true;
}

void IngestEngine::NoteFailure(const absl::Status& failure, const Batch& batch) {
  const absl::Status problem = StoreProblem(failure);
  spdlog::error("{}", std::string(problem.message()));
  next_recovery_milliseconds_ = clock_.MonotonicMilliseconds() + kFirstRecoveryMilliseconds;
  recovery_delay_milliseconds_ = kFirstRecoveryMilliseconds;
  fleet_.SetProblem(std::string(problem.message()));
  MutexLock lock(mutex_);
  problem_ = problem;
  ++counters_.failed_batches;
  counters_.unstored += batch.reports.size();
  for (const ForgetJob& job : batch.forgets) {
    for (const RelayId id : job.result.forgotten) relays_[id].leaving = false;
  }
}

IngestEngine::Counters IngestEngine::counters() const {
  MutexLock lock(mutex_);
  return counters_;
}

}  // namespace fleetqshape
