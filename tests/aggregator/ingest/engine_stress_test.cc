// The engine under agents that hand over whatever they like from any thread, on a store that holds
// all that it is given: each report has one outcome, what is acknowledged is in memory and in the
// store at that moment, and both say the same in the end.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/ingest/report_applier.h"
#include "common/codec/section_codec.h"
#include "tests/aggregator/ingest/engine_fixture.h"
#include "tests/aggregator/ingest/fleet_sums_check.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::RandomSource;

// Does what a report says to what it holds. A write that fails may be there all the same.
class ExactStore final : public Store {
 public:
  absl::Status Apply(const std::vector<RelayWrite>& writes) override {
    const std::lock_guard lock(mutex_);
    if (failed_) return absl::UnavailableError("not recovered");
    failed_ = random_.OneIn(failures_in_);
    if (failed_ && random_.OneIn(2)) return absl::UnavailableError("not written");
    for (const RelayWrite& write : writes) ApplyOne(write);
    return failed_ ? absl::UnavailableError("written, and it is not known") : absl::OkStatus();
  }
  absl::Status Recover() override {
    const std::lock_guard lock(mutex_);
    failed_ = false;
    return absl::OkStatus();
  }
  absl::Status Load(Wanted wanted, Visit visit) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, relay] : relays_) {
      if (!wanted(id, relay.record)) continue;
      LoadedRelay loaded{id, relay.record, relay.names, {}};
      for (const auto& [key, block] : relay.sections) {
        loaded.sections.push_back({key.first, key.second, block});
      }
      visit(std::move(loaded), absl::OkStatus());
    }
    return absl::OkStatus();
  }
  void FailNoMore() {
    const std::lock_guard lock(mutex_);
    failures_in_ = INT64_MAX;
  }
  // The epoch and the sequence, if it has the relay.
  std::optional<std::pair<uint64_t, uint64_t>> SequenceOf(RelayId relay) const {
    const std::lock_guard lock(mutex_);
    const auto found = relays_.find(relay);
    if (found == relays_.end()) return std::nullopt;
    return std::pair(found->second.record.epoch(), found->second.record.sequence());
  }

 private:
  struct Relay {
    v1::StoredRelay record;
    std::vector<std::string> names;
    std::map<std::pair<Queue, Axis>, Block> sections;
  };

  void ApplyOne(const RelayWrite& write) {
    if (write.forget) {
      relays_.erase(write.relay);
      return;
    }
    Relay& relay = relays_[write.relay];
    relay.record = write.record;
    if (write.forget_names) relay.names.clear();
    if (write.names.names_size() > 0) {
      ASSERT_EQ(relay.names.size(), write.first_name_id);
      relay.names.insert(relay.names.end(), write.names.names().begin(), write.names.names().end());
    }
    for (const SectionWrite& section : write.sections) {
      Block& block = relay.sections[{section.queue, section.axis}];
      if (section.kind != SectionWrite::Kind::kMerge) block = Block();
      if (section.kind == SectionWrite::Kind::kErase) continue;
      const auto decoded = DecodeSection(section.value);
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      auto next = ApplyDelta(block, decoded->delta);
      ASSERT_TRUE(next.ok()) << next.status();
      block = *std::move(next);
    }
  }

  mutable std::mutex mutex_;
  RandomSource random_{test::FirstSeed()};
  int64_t failures_in_ = 30;
  bool failed_ = false;
  std::map<RelayId, Relay> relays_;
};

constexpr size_t kHosts = 3;

class EngineStressTest : public EngineTest {
 protected:
  void SetUp() override { StartOn(&store_); }

  void Submit(const IngestEngine::Connection& connection, const v1::Report& report) {
    ++submitted_;
    const auto came = std::make_shared<std::atomic<bool>>(false);
    engine_->Submit(connection, test::Packed(report),
                    [this, came, relay = connection.relay, epoch = report.epoch(),
                     sequence = report.sequence()](const IngestEngine::Outcome& outcome) {
                      EXPECT_FALSE(came->exchange(true)) << "an outcome comes once";
                      if (IsAcknowledgement(outcome, epoch, sequence)) {
                        ++acknowledged_;
                        ExpectKept(relay, epoch, sequence);
                      }
                      ++answered_;
                    });
  }
  // As of an acknowledgement.
  void ExpectKept(RelayId relay, uint64_t epoch, uint64_t sequence) {
    const std::optional<RelayView> view = fleet_->Find(relay);
    if (!view) return;  // forgotten
    EXPECT_EQ(view->state->epoch, epoch);
    EXPECT_EQ(view->state->sequence, sequence);
    // It may be forgotten by the same batch.
    const auto stored = store_.SequenceOf(relay);
    if (stored) {
      EXPECT_EQ(*stored, std::pair(epoch, sequence));
    }
  }

  // An agent that does not wait for answers. It is one of several threads that speak for the host
  // as the same agent.
  void Report(size_t host, RandomSource& random) {
    v1::Hello hello = HelloOf("host" + std::to_string(host));
    hello.set_agent_id(7);
    const auto connection = engine_->Connect(hello, "peer", clock_.NowMilliseconds());
    if (!connection.ok()) {
      EXPECT_TRUE(absl::IsUnavailable(connection.status())) << connection.status();
      std::this_thread::yield();
      return;
    }
    ReportWriter writer;
    v1::Report report = writer.Snapshot(++epochs_, test::RandomCells(random, 20));
    for (int64_t left = random.Between(0, 6); left >= 0; --left) {
      if (!random.OneIn(10)) Submit(*connection, report);
      if (random.OneIn(5)) Submit(*connection, report);  // again
      if (random.OneIn(10)) {
        report.set_digest(report.digest() + 1);
        Submit(*connection, report);
      }
      if (random.OneIn(3)) WaitForAnswers();
      report = writer.ReportTo(test::ChangedCells(random, writer.cells(), 10));
    }
    if (random.OneIn(2)) WaitForAnswers();
    engine_->Disconnect(*connection);
  }
  // To all that was handed over before.
  void WaitForAnswers() {
    const uint64_t submitted = submitted_;
    const auto deadline = std::chrono::steady_clock::now() + test::kPatience;
    while (answered_ < submitted && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    EXPECT_GE(answered_, submitted) << "somebody waits for ever";
  }
  void ForgetSome(RandomSource& random) {
    std::vector<RelayId> relays;
    for (const RelayView& view : fleet_->Snapshot()) {
      EXPECT_EQ(test::DigestOf(test::CellsOfState(*view.state, fleet_->names())),
                view.state->digest);
      if (random.OneIn(2)) relays.push_back(view.id);
    }
    auto done = std::make_shared<std::promise<void>>();
    engine_->Forget(
        relays, [done](const auto&) { done->set_value(); }, random.OneIn(2));
    if (random.OneIn(2)) done->get_future().wait();
  }
  void ExpectStoreSaysTheSame() {
    std::map<RelayId, RelayView> views;
    for (const RelayView& view : fleet_->Snapshot()) {
      if (view.state->epoch != 0) views[view.id] = view;
    }
    const auto visit = [&](const LoadedRelay& loaded, const absl::Status&) {
      const auto view = views.find(loaded.relay);
      ASSERT_TRUE(view != views.end()) << loaded.relay;
      auto state = StateOfLoaded(loaded, &fleet_->names());
      ASSERT_TRUE(state.ok()) << state.status();
      EXPECT_EQ((*state)->sequence, view->second.state->sequence);
      EXPECT_EQ(test::CellsOfState(**state, fleet_->names()),
                test::CellsOfState(*view->second.state, fleet_->names()));
      views.erase(view);
    };
    ASSERT_TRUE(store_.Load([](RelayId, const auto&) { return true; }, visit).ok());
    EXPECT_TRUE(views.empty()) << "the store does not have them";
  }

  ExactStore store_;
  std::atomic<uint64_t> epochs_{0};
  std::atomic<uint64_t> submitted_{0};
  std::atomic<uint64_t> answered_{0};
  std::atomic<uint64_t> acknowledged_{0};
};

TEST_F(EngineStressTest, AgentsThatDoNotWaitAndComeAgain) {
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    RandomSource random(test::FirstSeed());
    while (!over) {
      clock_.AdvanceMilliseconds(random.Between(0, 2000));
      ForgetSome(random);
    }
  });
  constexpr size_t kAgents = 8;
  for (size_t i = 0; i < kAgents; ++i) {
    threads.emplace_back([&, i] {
      RandomSource random(test::FirstSeed() + 1 + i);
      for (uint64_t left = test::Runs(40); left > 0; --left) Report(i % kHosts, random);
    });
  }
  for (size_t i = 1; i < threads.size(); ++i) threads[i].join();
  WaitForAnswers();
  over = true;
  threads[0].join();
  store_.FailNoMore();
  LetRecover();
  EXPECT_EQ(fleet_->problem(), "");
  ExpectStoreSaysTheSame();
  test::ExpectSumsOfStates(*fleet_);
  EXPECT_GT(acknowledged_, 0U);
  EXPECT_GT(engine_->counters().failed_batches, 0U);
}

TEST_F(EngineStressTest, AStopWhileReportsAreHandedOverAnswersThemAll) {
  store_.FailNoMore();
  for (uint64_t round = test::Runs(10); round > 0; --round) {
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (size_t i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        RandomSource random(test::FirstSeed() + 100 * round + i);
        while (!over) Report(i % kHosts, random);
      });
    }
    const uint64_t before = acknowledged_;
    while (acknowledged_ < before + 10) std::this_thread::yield();
    engine_->Stop();
    over = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(answered_, submitted_);
    ExpectStoreSaysTheSame();
    engine_.reset();
    StartOn(&store_);
  }
}

}  // namespace
}  // namespace fleetqshape
