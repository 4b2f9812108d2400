#include "tests/simulation/simulated_aggregator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "aggregator/store/rocksdb_store.h"
#include "aggregator/store/store_check.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"

namespace fleetqshape::test {
namespace {

constexpr char kStoreDirectory[] = "/disk/data";
// Small, so that tables are written and merged in a short run.
constexpr size_t kWriteBufferBytes = size_t{64} << 10;
constexpr uint64_t kLogBytes = 16 << 10;

}  // namespace

SimulatedAggregator::SimulatedAggregator(uint64_t seed, RandomSource* random)
    : random_(*random), disk_(seed) {
  // Reports then wait for each other.
  if (random_.OneIn(2)) limits_.held_bytes = limits_.report_bytes = 6000;
}

bool SimulatedAggregator::Start() {
  RocksDbStoreOptions options;
  options.env = disk_.env();
  options.write_buffer_bytes = kWriteBufferBytes;
  options.max_log_bytes = kLogBytes;
  auto store = OpenRocksDbStore(kStoreDirectory, options);
  if (store.ok()) {
    effects_ = std::make_shared<SimulatedStream::Effects>();
    process_ = std::make_unique<Process>(*std::move(store), &clock_, limits_);
    start_problem_ = process_->engine.Load();
    if (!start_problem_.ok()) Stop(Crash::kProcess);
  } else {
    start_problem_ = store.status();
    // What the attempt left of the process.
    disk_.dying() && crash_ == Crash::kMachine ? disk_.CrashMachine() : disk_.CrashProcess();
  }
  if (process_ != nullptr) Settle();
  if (process_ == nullptr) return false;
  CheckLoaded();
  return true;
}

void SimulatedAggregator::Stop(Crash crash) {
  if (process_ == nullptr) return;
  recoveries_ += process_->engine.counters().recoveries;
  duplicates_ += process_->engine.counters().duplicates;
  if (crash == Crash::kProcess) disk_.CrashProcess();
  if (crash == Crash::kMachine) disk_.CrashMachine();
  for (const auto& weak : streams_) {
    const auto stream = weak.lock();
    if (stream == nullptr) continue;
    stream->session.reset();
    stream->server_ended = true;
    stream->end_status = absl::UnavailableError("the aggregator is gone");
  }
  streams_.clear();
  process_->engine.Stop();
  process_.reset();
  effects_->clear();
  if (crash == Crash::kClean && disk_.dying()) disk_.CrashProcess();
}

void SimulatedAggregator::DieAfter(uint64_t operations, Crash crash) {
  disk_.FailAfterOperations(operations);
  crash_ = crash;
}

void SimulatedAggregator::Settle() {
  if (disk_.dying()) {
    effects_->clear();
    Stop(crash_);
    return;
  }
  while (!effects_->empty()) {
    const auto effect = std::move(effects_->front());
    effects_->pop_front();
    effect();
  }
}

std::shared_ptr<SimulatedStream> SimulatedAggregator::Open(const std::string& host) {
  if (process_ == nullptr) return nullptr;
  auto stream = std::make_shared<SimulatedStream>(
      effects_, [this, host](const v1::AggregatorMessage& message) {
        if (message.has_acknowledgement()) OnAcknowledged(host, message.acknowledgement());
      });
  auto session = process_->sessions.Open("ipv4:10.0.0.1:1", stream);
  EXPECT_TRUE(session.ok()) << session.status();
  stream->session = *std::move(session);
  streams_.push_back(stream);
  return stream;
}

void SimulatedAggregator::Deliver(SimulatedStream& stream, const std::string& host) {
  if (stream.session == nullptr || !stream.server_reads || stream.server_ended ||
      stream.to_aggregator.empty()) {
    return;
  }
  const v1::AgentMessage message = std::move(stream.to_aggregator.front());
  stream.to_aggregator.pop_front();
  stream.server_reads = false;
  if (message.has_report_chunk()) {
    stream.report_bytes += message.report_chunk().data();
    if (message.report_chunk().last()) {
      v1::Report report;
      if (report.ParseFromString(stream.report_bytes)) {
        relays_[host].told.push_back({report.epoch(), report.sequence(), report.digest()});
      }
      stream.report_bytes.clear();
    }
  }
  stream.session->OnMessage(message);
  Settle();
}

void SimulatedAggregator::Close(SimulatedStream& stream) {
  stream.server_ended = true;
  const auto session = std::exchange(stream.session, nullptr);
  if (session == nullptr) return;
  session->OnClosed();
  Settle();
}

void SimulatedAggregator::Work() {
  if (process_ == nullptr) return;
  const uint64_t recoveries = process_->engine.counters().recoveries;
  process_->engine.RunOnce();
  if (process_->engine.counters().recoveries > recoveries) log_damage_ = false;
  disk_.RunBackground();
  Settle();
}

void SimulatedAggregator::CheckDeadlines() {
  if (process_ == nullptr) return;
  process_->sessions.CheckDeadlines();
  Settle();
}

void SimulatedAggregator::Forget(const std::string& host) {
  if (process_ == nullptr) return;
  for (const RelayView& view : process_->fleet.Snapshot()) {
    if (view.description->identity.host != host) continue;
    relays_[host].may_be_lost = true;
    process_->engine.Forget({view.id}, [](const auto&) {});
  }
  Work();
}

void SimulatedAggregator::Damage() {
  damage_ = true;
  if (random_.OneIn(2)) {
    for (int64_t left = random_.Between(1, 20); left > 0; --left) disk_.FlipBit(FileKind::kTable);
  } else {
    disk_.FlipBit(random_.OneOf(
        std::vector<FileKind>{FileKind::kLog, FileKind::kManifest, FileKind::kCurrent}));
  }
}

void SimulatedAggregator::DamageLogAndFail() {
  log_damage_ = true;
  disk_.FlipBit(FileKind::kLog);
  disk_.FailNext(Operation::kSync, FileKind::kLog);
}

void SimulatedAggregator::OnAcknowledged(const std::string& host,
                                         const v1::Acknowledgement& acknowledgement) {
  Relay& relay = relays_[host];
  const auto is_this = [&](const Told& told) {
    return told.epoch == acknowledgement.epoch() && told.sequence == acknowledgement.sequence();
  };
  const auto told = std::find_if(relay.told.begin(), relay.told.end(), is_this);
  ASSERT_NE(told, relay.told.end()) << "what was acknowledged was never told";
  relay.told.erase(relay.told.begin(), told);
  relay.acknowledged = true;
  relay.epochs.insert(acknowledgement.epoch());
  ++acknowledged_;
}

void SimulatedAggregator::CheckStoreIsSound() {
  const auto check = CheckStore(kStoreDirectory, disk_.env());
  ASSERT_TRUE(check.ok()) << check.status();
  for (const std::string& problem : check->problems) ADD_FAILURE() << problem;
  for (const std::string& note : check->notes) ADD_FAILURE() << note;
}

void SimulatedAggregator::CheckLoaded() {
  damage_ |= log_damage_;
  std::set<std::string> found;
  for (const RelayView& view : process_->fleet.Snapshot()) {
    found.insert(view.description->identity.host);
    CheckLoadedRelay(view);
  }
  for (auto& [host, relay] : relays_) {
    if (found.contains(host)) continue;
    EXPECT_TRUE(!relay.acknowledged || relay.may_be_lost || damage_) << host << " is gone";
    damaged_ += relay.acknowledged && damage_ ? 1 : 0;
    relay.acknowledged = false;
  }
  damage_ = false;
  log_damage_ = false;
}

void SimulatedAggregator::CheckLoadedRelay(const RelayView& view) {
  const RelayState& state = *view.state;
  Relay& relay = relays_[view.description->identity.host];
  SCOPED_TRACE(view.description->identity.ToString());
  EXPECT_EQ(DigestOf(CellsOfState(state, process_->fleet.names())), state.digest);
  const Told loaded{state.epoch, state.sequence, state.digest};
  if (state.epoch == 0) {
    EXPECT_TRUE(!relay.acknowledged || relay.may_be_lost || damage_)
        << "what was acknowledged is lost";
    damaged_ += relay.acknowledged && damage_ ? 1 : 0;
    relay.acknowledged = false;
    return;
  }
  const bool told = std::find(relay.told.begin(), relay.told.end(), loaded) != relay.told.end();
  EXPECT_TRUE(told || damage_) << "epoch " << loaded.epoch << ", sequence " << loaded.sequence
                               << " is not what was acknowledged, nor what came after that";
  damaged_ += told ? 0 : 1;
  if (!told) relay.told = {loaded};
}

}  // namespace fleetqshape::test
