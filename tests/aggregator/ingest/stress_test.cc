// Engine and sessions under real threads, on a store that fails now and then. What is checked is
// what has to hold whatever comes first; ThreadSanitizer checks the rest.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/aggregator/ingest/session_fixture.h"
#include "tests/support/random_source.h"
#include "tests/support/sections.h"

namespace fleetqshape {
namespace {

constexpr int kThreads = 4;

class StressTest : public EngineTest {
 protected:
  void SetUp() override { StartOn(&store_); }

  // Something that goes on until the threads are done. `work` is called with a draw of its own.
  static void Meanwhile(const std::function<void(test::RandomSource&)>& work,
                        const std::function<void(int thread, test::RandomSource&)>& rounds) {
    std::atomic<bool> over{false};
    std::thread beside([&] {
      test::RandomSource random(99);
      while (!over) work(random);
    });
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&rounds, i] {
        test::RandomSource random(test::FirstSeed() + static_cast<uint64_t>(i));
        rounds(i, random);
      });
    }
    for (std::thread& thread : threads) thread.join();
    over = true;
    beside.join();
  }
  // Trouble with the store, time that passes, questions, and relays that are forgotten.
  void Disturb(test::RandomSource& random) {
    if (random.OneIn(20)) store_.AddResult(absl::UnavailableError("an input/output error"));
    clock_.AdvanceMilliseconds(random.Between(0, 2000));
    std::vector<RelayId> relays;
    for (const RelayView& view : fleet_->Snapshot()) {
      ASSERT_EQ(test::DigestOf(test::CellsOfState(*view.state, fleet_->names())),
                view.state->digest);
      if (random.OneIn(3)) relays.push_back(view.id);
    }
    std::promise<void> done;
    engine_->Forget(
        relays, [&done](const auto&) { done.set_value(); }, random.OneIn(2));
    done.get_future().wait();
    const IngestEngine::Counters counters = engine_->counters();
    EXPECT_LE(counters.snapshots, counters.reports);
  }

  test::FakeStore store_;
};

TEST_F(StressTest, EachReportHasOneOutcomeAndWhatIsAcknowledgedIsThere) {
  const auto disturb = [this](test::RandomSource& random) { Disturb(random); };
  Meanwhile(disturb, [this](int thread, test::RandomSource& random) {
    const v1::Hello hello = HelloOf("host" + std::to_string(thread));
    ReportWriter writer;
    uint64_t epoch = 0;
    for (int round = 0; round < static_cast<int>(test::Runs(60)); ++round) {
      const auto connection = engine_->Connect(hello, "peer", clock_.NowMilliseconds());
      if (!connection.ok()) {
        EXPECT_TRUE(absl::IsUnavailable(connection.status())) << connection.status();
        std::this_thread::yield();
        continue;
      }
      bool sound = false;
      for (int i = 0; i < 5; ++i) {
        engine_->Heard(*connection, clock_.NowMilliseconds());
        const v1::Report report =
            sound ? writer.ReportTo(test::ChangedCells(random, writer.cells(), 10))
                  : writer.Snapshot(++epoch, test::RandomCells(random, 20));
        PendingOutcome outcome;
        engine_->Submit(*connection, test::Packed(report), outcome.Callback());
        const auto result = outcome.Wait();
        if (!result.ok()) break;
        sound = IsAcknowledgement(result, report.epoch(), report.sequence());
        EXPECT_TRUE(sound) << "a sound report of a relay that is connected";
        EXPECT_EQ(Cells(connection->relay), writer.cells());
      }
      engine_->Disconnect(*connection);
    }
  });
  EXPECT_GT(engine_->counters().reports, 0U);
}

// As gRPC's: calls come from any thread, those of one stream's messages one at a time.
class QueueingTransport final : public IngestSession::Transport {
 public:
  void Send(v1::AggregatorMessage /*message*/) override { ++answers; }
  void ReadOn() override { reads = true; }
  void End(const absl::Status& /*status*/) override { ended = true; }
  std::atomic<int> answers{0};
  std::atomic<bool> reads{true};
  std::atomic<bool> ended{false};
};

v1::AgentMessage RandomMessage(test::RandomSource& random, const std::string& bytes) {
  v1::AgentMessage message;
  v1::ReportChunk& chunk = *message.mutable_report_chunk();
  switch (random.Between(0, 5)) {
    case 0:
      message.mutable_heartbeat();
      break;
    case 1:
      chunk.set_report_bytes(static_cast<uint64_t>(random.Between(1, 1000)));
      break;
    case 2:
      chunk.set_data("x");
      chunk.set_last(random.OneIn(2));
      break;
    default:
      chunk.set_data(bytes);
      chunk.set_last(true);
  }
  return message;
}

// Agents that do what they like, end when they like, and don't wait for answers.
TEST_F(StressTest, StreamsThatEndAtAnyMomentLeaveNothingHeld) {
  IngestLimits limits;
  limits.report_bytes = limits.held_bytes = 1000;
  IngestSessions sessions(engine_.get(), &clock_, limits);
  const auto disturb = [&](test::RandomSource& random) {
    Disturb(random);
    sessions.CheckDeadlines();
    EXPECT_LE(sessions.counters().held_bytes, 1000U);
  };
  Meanwhile(disturb, [&](int thread, test::RandomSource& random) {
    for (int round = 0; round < static_cast<int>(test::Runs(200)); ++round) {
      const auto transport = std::make_shared<QueueingTransport>();
      auto session = sessions.Open("peer", transport);
      ASSERT_TRUE(session.ok()) << session.status();
      v1::AgentMessage hello;
      // Two of the threads are one agent.
      *hello.mutable_hello() = HelloOf("host" + std::to_string(thread / 2));
      hello.mutable_hello()->set_agent_id(7);
      transport->reads = false;
      (*session)->OnMessage(hello);
      const std::string bytes = ReportWriter()
                                    .Snapshot(random.Bits() | 1, test::RandomCells(random, 20))
                                    .SerializeAsString();
      for (int64_t left = random.Between(0, 30); left > 0 && !transport->ended; --left) {
        if (transport->reads.exchange(false)) (*session)->OnMessage(RandomMessage(random, bytes));
        if (random.OneIn(4)) std::this_thread::yield();
      }
      (*session)->OnClosed();
    }
  });
  engine_->Stop();
  EXPECT_EQ(sessions.counters().held_bytes, 0U);
  EXPECT_EQ(sessions.counters().waiting, 0U);
  EXPECT_EQ(sessions.counters().open, 0U);
  engine_.reset();
}

}  // namespace
}  // namespace fleetqshape
