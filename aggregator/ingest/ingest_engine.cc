#include "aggregator/ingest/ingest_engine.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kProtocolVersion = 1;
constexpr int kMaxLabels = 32;

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

absl::Status ValidateHello(const v1::Hello& hello) {
  if (hello.protocol_version() != kProtocolVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("the agent speaks protocol version ", hello.protocol_version(),
                     ", this aggregator ", kProtocolVersion, "; upgrade the older of the two"));
  }
  FQS_RETURN_IF_ERROR(ValidateName("cluster", hello.cluster()));
  FQS_RETURN_IF_ERROR(ValidateName("host", hello.host()));
  FQS_RETURN_IF_ERROR(ValidateName("instance", hello.instance()));
  FQS_RETURN_IF_ERROR(ValidateName("agent version", hello.agent_version()));
  if (hello.labels_size() > kMaxLabels) return absl::InvalidArgumentError("too many labels");
  for (const v1::Label& label : hello.labels()) {
    FQS_RETURN_IF_ERROR(ValidateName("label key", label.key()));
    FQS_RETURN_IF_ERROR(ValidateName("label value", label.value()));
  }
  return absl::OkStatus();
}

// How far a relay's clock is ahead. The agent may claim any time: what does not fit stays at the
// end of the range.
int64_t ClockOffset(int64_t relay_milliseconds, int64_t now_milliseconds) {
  int64_t offset = 0;
  if (!__builtin_sub_overflow(relay_milliseconds, now_milliseconds, &offset)) return offset;
  return relay_milliseconds < 0 ? std::numeric_limits<int64_t>::min()
                                : std::numeric_limits<int64_t>::max();
}

// From a Hello or a StoredRelay.
template <typename Message>
std::shared_ptr<const RelayDescription> DescriptionOf(const Message& message) {
  auto description = std::make_shared<RelayDescription>();
  description->identity = {message.cluster(), message.host(), message.instance()};
  for (const v1::Label& label : message.labels()) {
    description->labels[label.key()] = label.value();
  }
  description->agent_version = message.agent_version();
  return description;
}

// Fills in what a record says of the relay beside its reports.
void DescribeRelay(const RelayView& view, v1::StoredRelay* record) {
  const RelayDescription& description = *view.description;
  record->set_cluster(description.identity.cluster);
  record->set_host(description.identity.host);
  record->set_instance(description.identity.instance);
  for (const auto& [key, value] : description.labels) {
    v1::Label* label = record->add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  record->set_agent_version(description.agent_version);
  record->set_heard_milliseconds(view.heard_milliseconds);
  record->set_clock_offset_milliseconds(view.clock_offset_milliseconds);
}

}  // namespace

IngestEngine::IngestEngine(Store* store, Fleet* fleet, const Clock* clock)
    : store_(*store), fleet_(*fleet), clock_(*clock) {}

IngestEngine::~IngestEngine() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    condition_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status IngestEngine::Start() {
  std::map<RelayIdentity, RelayId> ids;
  std::map<RelayId, Relay> relays;
  FQS_RETURN_IF_ERROR(store_.Load(
      [](RelayId, const v1::StoredRelay&) { return true; },
      [&](LoadedRelay loaded, absl::Status problem) {
        relays[loaded.relay];  // its id is taken, whatever comes of the rest
        const auto description = DescriptionOf(loaded.record);
        if (description->identity.host.empty()) {
          spdlog::error("stored relay {} can't be read ({}): it is left out", loaded.relay,
                        std::string(problem.message()));
          return;
        }
        ids[description->identity] = loaded.relay;
        fleet_.Describe(loaded.relay, description);
        fleet_.Heard(loaded.relay, loaded.record.heard_milliseconds(),
                     loaded.record.clock_offset_milliseconds());
        const absl::StatusOr<std::shared_ptr<const RelayState>> state =
            problem.ok() ? StateOfLoaded(loaded, &fleet_.names())
                         : absl::StatusOr<std::shared_ptr<const RelayState>>(problem);
        if (state.ok()) {
          fleet_.SetState(loaded.relay, *state);
          return;
        }
        spdlog::error(
            "the stored state of relay {} is damaged ({}): it starts from nothing, and its "
            "agent will be asked for a snapshot",
            description->identity.ToString(), std::string(state.status().message()));
      }));
  MutexLock lock(mutex_);
  if (!relays.empty()) next_id_ = relays.rbegin()->first + 1;
  ids_ = std::move(ids);
  relays_ = std::move(relays);
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

absl::StatusOr<IngestEngine::Connection> IngestEngine::Connect(const v1::Hello& hello,
                                                               const std::string& peer,
                                                               int64_t relay_clock_milliseconds) {
  FQS_RETURN_IF_ERROR(ValidateHello(hello));
  const auto description = DescriptionOf(hello);
  const RelayIdentity& identity = description->identity;
  const int64_t now = clock_.NowMilliseconds();
  MutexLock lock(mutex_);
  const auto [entry, is_new] = ids_.try_emplace(identity, next_id_);
  if (is_new) ++next_id_;
  const RelayId id = entry->second;
  Relay& relay = relays_[id];
  if (!relay.peer.empty()) {
    return absl::AlreadyExistsError(
        absl::StrCat("an agent at ", relay.peer, " already reports as ", identity.ToString(),
                     "; this one is at ", peer, ": give one of them another --host or --instance"));
  }
  relay.peer = peer;
  fleet_.Describe(id, description);
  fleet_.Heard(id, now, ClockOffset(relay_clock_milliseconds, now));
  fleet_.SetConnected(id, true);
  const RelayView view = fleet_.View(id);
  Connection connection{id, {}};
  connection.welcome.mutable_welcome()->set_epoch(view.state->epoch);
  connection.welcome.mutable_welcome()->set_sequence(view.state->sequence);
  return connection;
}

void IngestEngine::Disconnect(RelayId relay) {
  MutexLock lock(mutex_);
  relays_[relay].peer.clear();
  fleet_.SetConnected(relay, false);
}

void IngestEngine::Heard(RelayId relay, int64_t relay_clock_milliseconds) {
  const int64_t now = clock_.NowMilliseconds();
  fleet_.Heard(relay, now, ClockOffset(relay_clock_milliseconds, now));
}

void IngestEngine::Submit(RelayId relay, v1::Report report, OnOutcome on_outcome) {
  MutexLock lock(mutex_);
  waiting_.push_back({relay, std::move(report), std::move(on_outcome)});
  condition_.NotifyOne();
}

void IngestEngine::Run() {
  for (;;) {
    std::vector<Job> jobs;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) condition_.Wait(mutex_);
      jobs.swap(waiting_);
      if (stopping_) {
        for (Job& job : jobs) job.on_outcome(absl::UnavailableError("the aggregator is stopping"));
        return;
      }
    }
    std::vector<Staged> staged;
    std::set<RelayId> relays;
    std::vector<Job> later;
    for (Job& job : jobs) {
      // A second report of a relay builds on the first one: it waits for the next batch.
      if (relays.insert(job.relay).second) {
        Stage(std::move(job), &staged);
      } else {
        later.push_back(std::move(job));
      }
    }
    if (!staged.empty()) Commit(std::move(staged));
    if (!later.empty()) {
      MutexLock lock(mutex_);
      waiting_.insert(waiting_.begin(), std::make_move_iterator(later.begin()),
                      std::make_move_iterator(later.end()));
    }
  }
}

void IngestEngine::Stage(Job job, std::vector<Staged>* staged) {
  const RelayView view = fleet_.View(job.relay);
  const RelayState* state = view.state.get();
  const v1::Report& report = job.report;
  if (report.epoch() == 0 || report.sequence() == 0) {
    job.on_outcome(absl::InvalidArgumentError("a report without an epoch or a sequence"));
    return;
  }
  const bool same_epoch = report.epoch() == state->epoch;
  if (same_epoch && report.sequence() == state->sequence) {
    {
      MutexLock lock(mutex_);
      ++counters_.duplicates;
    }
    job.on_outcome(Acknowledge(report));
    return;
  }
  const bool follows =
      same_epoch ? report.sequence() == state->sequence + 1 : report.sequence() == 1;
  absl::StatusOr<AppliedReport> applied = absl::FailedPreconditionError(absl::StrCat(
      "report ", report.sequence(), " does not follow ", same_epoch ? state->sequence : 0));
  if (follows) {
    OperandBytes operands;
    {
      MutexLock lock(mutex_);
      operands = relays_[job.relay].operands;
    }
    applied = ApplyReport(job.relay, *state, operands, report, &fleet_.names());
  }
  if (!applied.ok()) {
    spdlog::warn("relay {}: report refused: {}", view.description->identity.ToString(),
                 std::string(applied.status().message()));
    {
      MutexLock lock(mutex_);
      ++counters_.refused;
    }
    job.on_outcome(AskForSnapshot(applied.status().message()));
    return;
  }
  DescribeRelay(view, &applied->write.record);
  staged->push_back({std::move(job), *std::move(applied)});
}

void IngestEngine::Commit(std::vector<Staged> staged) {
  std::vector<RelayWrite> writes;
  writes.reserve(staged.size());
  for (Staged& one : staged) writes.push_back(std::move(one.applied.write));
  const absl::Status written = store_.Apply(writes);
  if (!written.ok()) spdlog::error("cannot write reports: {}", std::string(written.message()));
  for (Staged& one : staged) {
    if (!written.ok()) {
      one.job.on_outcome(written);
      continue;
    }
    {
      MutexLock lock(mutex_);
      relays_[one.job.relay].operands = one.applied.operands;
      ++counters_.reports;
      counters_.cells += CellsOf(one.job.report);
    }
    fleet_.SetState(one.job.relay, one.applied.state);
    one.job.on_outcome(Acknowledge(one.job.report));
  }
  MutexLock lock(mutex_);
  ++counters_.batches;
}

IngestEngine::Counters IngestEngine::counters() const {
  MutexLock lock(mutex_);
  return counters_;
}

}  // namespace fleetqshape
