#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/aggregator/ingest/engine_fixture.h"
#include "tests/aggregator/ingest/fake_store.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"
#include "tests/support/sections.h"

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

// The engine alone, with a store that does as it is told.
class EngineOnFakeStoreTest : public EngineTest {
 protected:
  void SetUp() override { StartOn(&store_); }
  // One more stream of one agent.
  IngestEngine::Connection ConnectAgain() {
    v1::Hello hello = HelloOf("a");
    hello.set_agent_id(7);
    auto connection = engine_->Connect(hello, "peer", 0);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return *std::move(connection);
  }

  test::FakeStore store_;
};

TEST_F(EngineOnFakeStoreTest, NothingIsAcknowledgedOrSeenBeforeItIsOnTheDisk) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  store_.Close();
  PendingOutcome outcome;
  size_t ended = 0;
  engine_->Submit(ConnectionOf(relay), test::Packed(writer.Snapshot(9, OneCell(1))),
                  outcome.Callback([&] { ended = store_.ended(); }));
  store_.WaitUntilBegun(1);
  EXPECT_FALSE(outcome.HasCome());
  EXPECT_TRUE(Cells(relay).empty());
  EXPECT_EQ(fleet_->View(relay).state->epoch, 0U);
  EXPECT_EQ(engine_->counters().reports, 0U);
  store_.Open();
  EXPECT_TRUE(IsAcknowledgement(outcome.Wait(), 9, 1));
  EXPECT_EQ(ended, 1U);
  EXPECT_EQ(Cells(relay), OneCell(1));
}

TEST_F(EngineOnFakeStoreTest, WhatIsAcknowledgedIsSeenAtThatMoment) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  PendingOutcome outcome;
  NamedCells seen;
  engine_->Submit(ConnectionOf(relay), test::Packed(writer.Snapshot(9, OneCell(1))),
                  outcome.Callback([&] { seen = Cells(relay); }));
  outcome.Wait().status().IgnoreError();
  EXPECT_EQ(seen, OneCell(1));
}

TEST_F(EngineOnFakeStoreTest, ReportsOfManyRelaysGatherWhileABatchIsWritten) {
  const std::vector<RelayId> relays = ConnectSeveral(10);
  std::vector<ReportWriter> writers(10);
  store_.Close();
  std::vector<PendingOutcome> outcomes;
  outcomes.push_back(Submit(relays[0], writers[0].Snapshot(1, OneCell(0))));
  store_.WaitUntilBegun(1);
  for (size_t i = 1; i < 10; ++i) {
    outcomes.push_back(Submit(relays[i], writers[i].Snapshot(1, OneCell(static_cast<int64_t>(i)))));
  }
  store_.Open();
  for (const PendingOutcome& outcome : outcomes) {
    EXPECT_TRUE(IsAcknowledgement(outcome.Wait(), 1, 1));
  }
  ASSERT_EQ(store_.batches().size(), 2U);
  EXPECT_EQ(store_.batches()[0].size(), 1U);
  EXPECT_EQ(store_.batches()[1].size(), 9U);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(Cells(relays[i]), OneCell(static_cast<int64_t>(i)));
}

TEST_F(EngineOnFakeStoreTest, SeveralReportsOfOneRelayInABatchAreAppliedInTheirOrder) {
  const RelayId relay = Connect("a").relay;
  const RelayId other = Connect("b").relay;
  ReportWriter writer;
  ReportWriter other_writer;
  store_.Close();
  std::vector<PendingOutcome> outcomes;
  outcomes.push_back(Submit(other, other_writer.Snapshot(1, {})));
  store_.WaitUntilBegun(1);
  const v1::Report first = writer.Snapshot(9, OneCell(1));
  const v1::Report second = writer.ReportTo(OneCell(2));
  outcomes.push_back(Submit(relay, first));
  outcomes.push_back(Submit(relay, second));
  outcomes.push_back(Submit(other, other_writer.ReportTo(OneCell(7))));
  outcomes.push_back(Submit(relay, second));  // sent again over a new stream
  outcomes.push_back(Submit(relay, writer.ReportTo(OneCell(3))));
  store_.Open();
  EXPECT_TRUE(IsAcknowledgement(outcomes[1].Wait(), 9, 1));
  EXPECT_TRUE(IsAcknowledgement(outcomes[2].Wait(), 9, 2));
  EXPECT_TRUE(IsAcknowledgement(outcomes[3].Wait(), 1, 2));
  EXPECT_TRUE(IsAcknowledgement(outcomes[4].Wait(), 9, 2));
  EXPECT_TRUE(IsAcknowledgement(outcomes[5].Wait(), 9, 3));
  EXPECT_EQ(Cells(relay), OneCell(3));
  EXPECT_EQ(Cells(other), OneCell(7));
  EXPECT_EQ(engine_->counters().duplicates, 1U);
  for (const auto& batch : store_.batches()) {
    std::set<RelayId> in_batch;
    for (const RelayWrite& write : batch) {
      EXPECT_TRUE(in_batch.insert(write.relay).second) << "one report a relay and batch";
    }
  }
}

TEST_F(EngineOnFakeStoreTest, AReportThatCannotBeWrittenLeavesTheStateAsItWas) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  const v1::Report first = writer.Snapshot(9, OneCell(1));
  store_.AddResult(absl::ResourceExhaustedError("the disk is full"));
  EXPECT_EQ(SubmitAndWait(relay, first).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(fleet_->View(relay).state->epoch, 0U);
  LetRecover();
  SubmitSound(relay, first);

  const v1::Report second = writer.ReportTo(OneCell(2, "b"));
  const auto state = fleet_->View(relay).state;
  for (int i = 0; i < 3; ++i) {
    store_.AddResult(absl::UnavailableError("an input/output error"));
    EXPECT_EQ(SubmitAndWait(relay, second).status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(fleet_->View(relay).state, state);
    Disconnect(relay);
    EXPECT_EQ(engine_->Connect(HelloOf("a"), "peer", 0).status().code(),
              absl::StatusCode::kUnavailable);
    EXPECT_THAT(fleet_->problem(), HasSubstr("an input/output error"));
    LetRecover();
    EXPECT_EQ(fleet_->problem(), "");
    EXPECT_EQ(Connect("a").welcome.welcome().sequence(), 1U);
  }
  SubmitSound(relay, second);
  EXPECT_EQ(Cells(relay), OneCell(2, "b"));
  EXPECT_EQ(engine_->counters().reports, 2U);
  EXPECT_EQ(engine_->counters().duplicates, 0U);
  ASSERT_EQ(store_.batches().size(), 2U);
  EXPECT_EQ(store_.batches()[1][0].first_name_id, 1U);
}

TEST_F(EngineOnFakeStoreTest, ABatchThatFailsFailsForAllItsReports) {
  const std::vector<RelayId> relays = ConnectSeveral(4);
  std::vector<ReportWriter> writers(4);
  store_.Close();
  const PendingOutcome first = Submit(relays[0], writers[0].Snapshot(1, OneCell(0)));
  store_.WaitUntilBegun(1);
  std::vector<v1::Report> reports;
  std::vector<PendingOutcome> outcomes;
  for (size_t i = 1; i < 4; ++i) {
    reports.push_back(writers[i].Snapshot(1, OneCell(1)));
    outcomes.push_back(Submit(relays[i], reports.back()));
  }
  store_.AddResult(absl::OkStatus());
  store_.AddResult(absl::ResourceExhaustedError("the disk is full"));
  store_.Open();
  EXPECT_TRUE(IsAcknowledgement(first.Wait(), 1, 1));
  for (const PendingOutcome& outcome : outcomes) {
    EXPECT_EQ(outcome.Wait().status().code(), absl::StatusCode::kResourceExhausted);
  }
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(fleet_->View(relays[i]).state->epoch, 0U);
    LetRecover();
    SubmitSound(relays[i], reports[i - 1]);
    EXPECT_EQ(Cells(relays[i]), OneCell(1));
  }
}

// Of a report that failed to be written nothing counts towards the next base.
TEST_F(EngineOnFakeStoreTest, AReportIsAppliedOnceThoughItsFirstWriteFailed) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  SubmitSound(relay, writer.Snapshot(9, {}));
  NamedCells cells;
  for (int i = 0; i < 100; ++i) {
    cells.insert({kQueue, kAxis, "a", 1});  // the same arrival again and again
    const v1::Report report = writer.ReportTo(cells);
    if (i % 2 == 0) {
      store_.AddResult(absl::UnavailableError("not now"));
      EXPECT_FALSE(SubmitAndWait(relay, report).ok());
      LetRecover();
    }
    SubmitSound(relay, report);
  }
  EXPECT_EQ(Cells(relay), cells);
}

// Nothing older may come after what the agent was told on its new stream.
TEST_F(EngineOnFakeStoreTest, WhatAnOldStreamBringsIsNeverAppliedAfterTheNewOnes) {
  const RelayId gate = Connect("gate").relay;
  store_.Close();
  const PendingOutcome held = Submit(gate, ReportWriter().Snapshot(1, OneCell(1)));
  store_.WaitUntilBegun(1);
  const IngestEngine::Connection first = ConnectAgain();
  PendingOutcome old;
  engine_->Submit(first, test::Packed(ReportWriter().Snapshot(9, OneCell(1))), old.Callback());
  const IngestEngine::Connection second = ConnectAgain();
  EXPECT_EQ(second.welcome.welcome().epoch(), 0U);
  PendingOutcome current;
  engine_->Submit(second, test::Packed(ReportWriter().Snapshot(10, OneCell(2))),
                  current.Callback());
  PendingOutcome late;
  engine_->Submit(first, test::Packed(ReportWriter().Snapshot(11, OneCell(3))), late.Callback());
  store_.Open();
  EXPECT_TRUE(held.Wait().ok());
  EXPECT_TRUE(IsAcknowledgement(old.Wait(), 9, 1)) << "it waited before";
  EXPECT_TRUE(IsAcknowledgement(current.Wait(), 10, 1));
  EXPECT_EQ(late.Wait().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Cells(second.relay), OneCell(2));
}

// Not even what is handed over at the moment in which its turn comes.
TEST_F(EngineOnFakeStoreTest, NothingPassesByAReportThatWaits) {
  const IngestEngine::Connection first = ConnectAgain();
  store_.Close();
  PendingOutcome written;
  PendingOutcome last;
  const auto come_again = [&] {
    engine_->Submit(ConnectAgain(), test::Packed(ReportWriter().Snapshot(11, OneCell(3))),
                    last.Callback());
  };
  engine_->Submit(first, test::Packed(ReportWriter().Snapshot(9, OneCell(1))),
                  written.Callback(come_again));
  store_.WaitUntilBegun(1);
  const IngestEngine::Connection second = ConnectAgain();
  PendingOutcome waiting;
  engine_->Submit(second, test::Packed(ReportWriter().Snapshot(10, OneCell(2))),
                  waiting.Callback());
  store_.Open();
  EXPECT_TRUE(IsAcknowledgement(written.Wait(), 9, 1));
  EXPECT_TRUE(IsAcknowledgement(waiting.Wait(), 10, 1));
  EXPECT_TRUE(IsAcknowledgement(last.Wait(), 11, 1));
  EXPECT_EQ(fleet_->View(second.relay).state->epoch, 11U) << "the last to speak for the relay";
  EXPECT_EQ(Cells(second.relay), OneCell(3));
}

TEST_F(EngineOnFakeStoreTest, TheRecordSaysWhoTheRelayIsAndWhenItWasHeard) {
  v1::Hello hello = HelloOf("a");
  v1::Label* label = hello.add_labels();
  label->set_key("role");
  label->set_value("gateway");
  const auto connection = engine_->Connect(hello, "peer", clock_.NowMilliseconds() + 3000);
  ASSERT_TRUE(connection.ok());
  connections_[connection->relay] = *connection;
  ReportWriter writer;
  SubmitSound(connection->relay, writer.Snapshot(9, OneCell(1)));
  ASSERT_EQ(store_.batches().size(), 1U);
  const v1::StoredRelay record = store_.batches()[0][0].record;
  EXPECT_EQ(record.cluster(), "eu");
  EXPECT_EQ(record.host(), "a");
  EXPECT_EQ(record.instance(), "postfix");
  ASSERT_EQ(record.labels_size(), 1);
  EXPECT_EQ(record.labels(0).value(), "gateway");
  EXPECT_EQ(record.agent_version(), "0.1.0");
  EXPECT_EQ(record.heard_milliseconds(), clock_.NowMilliseconds());
  EXPECT_EQ(record.clock_offset_milliseconds(), 3000);
  EXPECT_EQ(record.epoch(), 9U);
  EXPECT_EQ(record.sequence(), 1U);
  EXPECT_EQ(record.name_count(), 1U);
  EXPECT_EQ(record.digest(), test::DigestOf(OneCell(1)));
}

TEST_F(EngineOnFakeStoreTest, ASecondAgentForARelayIsRefusedWithBothPeersNamed) {
  const auto first = engine_->Connect(HelloOf("a"), "ipv4:10.0.0.1:5", clock_.NowMilliseconds());
  ASSERT_TRUE(first.ok());
  v1::Hello hello = HelloOf("a");
  hello.set_agent_version("another");
  const auto second = engine_->Connect(hello, "ipv4:10.0.0.2:6", clock_.NowMilliseconds() + 99'000);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("ipv4:10.0.0.1:5"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("ipv4:10.0.0.2:6"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("eu/a/postfix"));
  EXPECT_EQ(fleet_->View(first->relay).description->agent_version, "0.1.0");
  EXPECT_EQ(fleet_->View(first->relay).clock_offset_milliseconds, 0);

  engine_->Disconnect(*first);
  const auto third = engine_->Connect(hello, "ipv4:10.0.0.2:6", clock_.NowMilliseconds());
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->relay, first->relay);
  EXPECT_EQ(fleet_->View(first->relay).description->agent_version, "another");
}

TEST_F(EngineOnFakeStoreTest, RelaysDifferByClusterHostAndInstance) {
  std::set<RelayId> ids;
  for (const char* cluster : {"eu", "us"}) {
    for (const char* host : {"a", "b"}) {
      for (const char* instance : {"postfix", "postfix-out"}) {
        v1::Hello hello = HelloOf(host, cluster);
        hello.set_instance(instance);
        const auto connection = engine_->Connect(hello, "peer", 0);
        ASSERT_TRUE(connection.ok()) << connection.status();
        ids.insert(connection->relay);
      }
    }
  }
  EXPECT_EQ(ids.size(), 8U);
}

TEST_F(EngineOnFakeStoreTest, ABadHelloIsRefusedAndKnowsNoRelay) {
  const std::map<std::string, std::function<void(v1::Hello*)>> spoil = {
      {"version 0", [](auto* hello) { hello->set_protocol_version(0); }},
      {"version 2", [](auto* hello) { hello->set_protocol_version(2); }},
      {"no cluster", [](auto* hello) { hello->clear_cluster(); }},
      {"no host", [](auto* hello) { hello->clear_host(); }},
      {"no instance", [](auto* hello) { hello->clear_instance(); }},
      {"no agent version", [](auto* hello) { hello->clear_agent_version(); }},
      {"an escape sequence", [](auto* hello) { hello->set_host("a\x1b[2J"); }},
      {"a slash", [](auto* hello) { hello->set_cluster("eu/a"); }},
      {"a long name", [](auto* hello) { hello->set_host(std::string(254, 'a')); }},
      {"a bad label key", [](auto* hello) { hello->add_labels()->set_value("v"); }},
      {"a bad label value", [](auto* hello) { hello->add_labels()->set_key("k"); }},
      {"many labels",
       [](auto* hello) {
         for (int i = 0; i < 33; ++i) {
           hello->add_labels()->set_key("k" + std::to_string(i));
           hello->mutable_labels(i)->set_value("v");
         }
       }},
  };
  for (const auto& [what, change] : spoil) {
    SCOPED_TRACE(what);
    v1::Hello hello = HelloOf("a");
    change(&hello);
    const auto connection = engine_->Connect(hello, "peer", 0);
    EXPECT_EQ(connection.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(connection.status().message().empty());
  }
  EXPECT_TRUE(fleet_->Snapshot().empty());
}

TEST_F(EngineOnFakeStoreTest, EachMessageTellsThatTheRelayIsAliveAndHowItsClockStands) {
  const RelayId relay = Connect("a", 250).relay;
  EXPECT_EQ(fleet_->View(relay).heard.wall_milliseconds, clock_.NowMilliseconds());
  EXPECT_EQ(fleet_->View(relay).clock_offset_milliseconds, 250);
  clock_.AdvanceSeconds(30);
  engine_->Heard(ConnectionOf(relay), clock_.NowMilliseconds() + 60'000);
  EXPECT_EQ(fleet_->View(relay).heard.wall_milliseconds, clock_.NowMilliseconds());
  EXPECT_EQ(fleet_->View(relay).clock_offset_milliseconds, 60'000);
  Disconnect(relay);
  Connect("a", -5000);
  EXPECT_EQ(fleet_->View(relay).clock_offset_milliseconds, -5000) << "a new agent, a new clock";
}

// Whatever an agent says of its clock.
TEST_F(EngineOnFakeStoreTest, AnAbsurdRelayClockIsFarOffInItsOwnDirection) {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  const auto behind = engine_->Connect(HelloOf("behind"), "peer", kFirst);
  ASSERT_TRUE(behind.ok());
  EXPECT_LT(fleet_->View(behind->relay).clock_offset_milliseconds, 0);
  const auto ahead = engine_->Connect(HelloOf("ahead"), "peer", kLast);
  ASSERT_TRUE(ahead.ok());
  EXPECT_GT(fleet_->View(ahead->relay).clock_offset_milliseconds, 0);
}

TEST_F(EngineOnFakeStoreTest, AStoreThatCannotBeReadKeepsTheEngineFromStarting) {
  test::FakeStore broken;
  broken.SetLoadResult(absl::DataLossError("broken"));
  Fleet fleet;
  IngestEngine engine(&broken, &fleet, &clock_, IngestEngine::Options());
  EXPECT_EQ(engine.Load().code(), absl::StatusCode::kDataLoss);
}

TEST_F(EngineOnFakeStoreTest, AStopWhileTheFleetIsReadEndsThat) {
  for (const RelayId relay : ConnectSeveral(4)) {
    SubmitSound(relay, ReportWriter().Snapshot(1, OneCell(0)));
  }
  engine_.reset();
  Fleet fleet;
  IngestEngine engine(&store_, &fleet, &clock_, IngestEngine::Options());
  int asked = 0;
  EXPECT_EQ(engine.Load([&] { return ++asked == 3; }).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 3) << "the rest is passed over";
  EXPECT_EQ(fleet.Snapshot().size(), 2U);
}

// Waits until the thread sleeps in the kernel.
void WaitUntilAsleep(pid_t thread) {
  const auto deadline = std::chrono::steady_clock::now() + test::kPatience;
  char state = ' ';
  while (state != 'S' && std::chrono::steady_clock::now() < deadline) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string text;
    std::getline(file, text);
    const size_t name_end = text.rfind(')');
    if (name_end != std::string::npos && name_end + 2 < text.size()) state = text[name_end + 2];
    std::this_thread::yield();
  }
  EXPECT_EQ(state, 'S');
}

TEST_F(EngineOnFakeStoreTest, AStopWaitsForTheBatchBeingWrittenAndAnswersAllThatWaits) {
  const std::vector<RelayId> relays = ConnectSeveral(4);
  std::vector<ReportWriter> writers(4);
  store_.Close();
  const PendingOutcome being_written = Submit(relays[0], writers[0].Snapshot(1, OneCell(0)));
  store_.WaitUntilBegun(1);
  std::vector<PendingOutcome> waiting;
  for (size_t i = 1; i < 4; ++i) {
    waiting.push_back(Submit(relays[i], writers[i].Snapshot(1, OneCell(1))));
  }
  waiting.push_back(Submit(relays[0], writers[0].ReportTo(OneCell(1))));

  std::atomic<pid_t> stopper{0};
  std::thread stop([&] {
    stopper = static_cast<pid_t>(syscall(SYS_gettid));
    engine_.reset();  // sleeps once it has said that it is to stop
  });
  while (stopper == 0) std::this_thread::yield();
  WaitUntilAsleep(stopper);
  EXPECT_FALSE(being_written.HasCome());
  store_.Open();
  stop.join();
  ASSERT_TRUE(being_written.HasCome());
  EXPECT_TRUE(IsAcknowledgement(being_written.Wait(), 1, 1)) << "it is on the disk";
  EXPECT_EQ(Cells(relays[0]), OneCell(0));
  for (const PendingOutcome& outcome : waiting) {
    ASSERT_TRUE(outcome.HasCome());
    EXPECT_EQ(outcome.Wait().status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(store_.batches().size(), 1U);
}

// What waited for an earlier report of its relay is refused with it: there is nothing to do then.
TEST_F(EngineOnFakeStoreTest, AnEngineWhoseStoreFailedSleepsThoughAReportWaited) {
  const IngestEngine::Connection first = ConnectAgain();
  store_.Close();
  PendingOutcome written;
  engine_->Submit(first, test::Packed(ReportWriter().Snapshot(9, OneCell(1))), written.Callback());
  store_.WaitUntilBegun(1);
  const IngestEngine::Connection second = ConnectAgain();
  PendingOutcome waiting;
  std::atomic<pid_t> engine_thread{0};
  engine_->Submit(
      second, test::Packed(ReportWriter().Snapshot(10, OneCell(2))),
      waiting.Callback([&] { engine_thread = static_cast<pid_t>(syscall(SYS_gettid)); }));
  store_.AddResult(absl::UnavailableError("an input/output error"));
  store_.Open();
  EXPECT_FALSE(written.Wait().ok());
  EXPECT_FALSE(waiting.Wait().ok());
  WaitUntilAsleep(engine_thread);
}

// A server that is to end waits for the answers to what it has handed over.
TEST_F(EngineOnFakeStoreTest, WhatComesAfterAStopIsRefusedAtOnce) {
  const RelayId relay = ConnectSeveral(1)[0];
  engine_->Stop();
  const PendingOutcome report = Submit(relay, ReportWriter().Snapshot(1, OneCell(0)));
  EXPECT_TRUE(report.HasCome());
  EXPECT_EQ(report.Wait().status().code(), absl::StatusCode::kUnavailable);
  absl::Status forgotten;
  engine_->Forget({relay}, [&](const auto& done) { forgotten = done.status(); });
  EXPECT_EQ(forgotten.code(), absl::StatusCode::kUnavailable);
}

TEST_F(EngineOnFakeStoreTest, AnEngineThatHasNothingToDoStopsAtOnce) {
  engine_.reset();
  EXPECT_EQ(store_.begun(), 0U);
}

}  // namespace
}  // namespace fleetqshape
