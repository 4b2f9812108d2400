// Relays that are forgotten: those that were silent for too long, and those that somebody names.
// The engine works here only when it is told to, and time stands still but for what a test says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/aggregator/ingest/rocksdb_engine_fixture.h"

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kMinute = 60;
constexpr int64_t kDay = 24 * 3600;
constexpr int64_t kForgetAfter = 7 * kDay;
// The engine looks for silent relays once a minute.
constexpr int64_t kRound = kMinute;

class ForgettingTest : public RocksDbEngineTest {
 protected:
  void Begin(Store* store) override { LoadFrom(store); }
  void Pass(int64_t seconds) {
    clock_.AdvanceSeconds(seconds);
    engine_->RunOnce();
  }
  // Time passes, and the engine works meanwhile as often as it does.
  void PassInRounds(int64_t seconds) {
    for (int64_t passed = 0; passed < seconds; passed += kRound) Pass(kRound);
  }

  // A relay that reported a message, and whose agent has its stream open.
  RelayId AddConnected(const std::string& host) {
    const RelayId relay = Connect(host).relay;
    Report(relay, ReportWriter().Snapshot(9, OneCell(1, "of " + host)));
    return relay;
  }
  RelayId AddGone(const std::string& host) {
    const RelayId relay = AddConnected(host);
    Disconnect(relay);
    return relay;
  }
  void Report(RelayId relay, const v1::Report& report) {
    const PendingOutcome outcome = Submit(relay, report);
    engine_->RunOnce();
    ASSERT_TRUE(outcome.HasCome());
    EXPECT_TRUE(IsAcknowledgement(outcome.Wait(), report.epoch(), report.sequence()));
  }
  // What becomes of a call to forget these, once the engine has worked.
  absl::StatusOr<IngestEngine::Forgotten> Forget(const std::vector<RelayId>& relays,
                                                 bool with_messages = true) {
    int calls = 0;
    absl::StatusOr<IngestEngine::Forgotten> result = absl::UnknownError("no call");
    engine_->Forget(
        relays,
        [&](const auto& forgotten) {
          ++calls;
          result = forgotten;
        },
        with_messages);
    engine_->RunOnce();
    EXPECT_EQ(calls, 1);
    return result;
  }
  std::set<std::string> Known() const {
    std::set<std::string> hosts;
    for (const RelayView& view : fleet_->Snapshot()) {
      hosts.insert(view.description->identity.host);
    }
    return hosts;
  }
  int64_t SilentSeconds(RelayId relay) const {
    return (clock_.MonotonicMilliseconds() - fleet_->View(relay).heard.monotonic_milliseconds) /
           1000;
  }
};

TEST_F(ForgettingTest, ARelayThatWasSilentForTooLongIsForgottenForGood) {
  AddGone("early");
  Pass(kDay);
  AddGone("late");
  Pass(kForgetAfter - kDay - 1);
  EXPECT_THAT(Known(), ElementsAre("early", "late"));
  Pass(kRound + 1);
  EXPECT_THAT(Known(), ElementsAre("late"));
  EXPECT_EQ(engine_->counters().forgotten, 1U);
  Restart();
  EXPECT_THAT(Known(), ElementsAre("late"));
  PassInRounds(15 * kMinute);
  EXPECT_THAT(Known(), ElementsAre("late"));
  Pass(kDay);
  EXPECT_THAT(Known(), IsEmpty());
  Restart();
  EXPECT_THAT(Known(), IsEmpty());
}

TEST_F(ForgettingTest, ARelayThatNeverReportedIsForgottenToo) {
  const RelayId relay = Connect("a").relay;
  Disconnect(relay);
  Pass(kForgetAfter - 1);
  EXPECT_THAT(Known(), ElementsAre("a"));
  Pass(kRound + 1);
  EXPECT_THAT(Known(), IsEmpty());
}

// A stream that is open and silent is not the engine's to judge.
TEST_F(ForgettingTest, ARelayWithAnOpenStreamStaysHoweverSilent) {
  const RelayId relay = AddConnected("a");
  PassInRounds(30 * kMinute);
  Pass(10 * kForgetAfter);
  Pass(kRound);
  EXPECT_THAT(Known(), ElementsAre("a"));
  Disconnect(relay);
  Pass(kRound);
  EXPECT_THAT(Known(), IsEmpty());
}

// The aggregator itself was away: who was heard of lately, nobody knows.
TEST_F(ForgettingTest, NobodyIsForgottenInTheFirstTenMinutes) {
  AddGone("gone");
  AddGone("back");
  CloseAll();
  clock_.AdvanceSeconds(10 * kForgetAfter);
  Open();
  Pass(0);
  EXPECT_THAT(Known(), ElementsAre("back", "gone"));
  for (int64_t passed = kRound; passed < 10 * kMinute; passed += kRound) {
    Pass(kRound);
    EXPECT_THAT(Known(), ElementsAre("back", "gone")) << passed;
  }
  // It came, and its agent ended again.
  Disconnect(Connect("back").relay);
  Pass(kRound);
  EXPECT_THAT(Known(), ElementsAre("back"));
  Pass(kForgetAfter - 2 * kRound);
  EXPECT_THAT(Known(), ElementsAre("back"));
}

TEST_F(ForgettingTest, AWallClockThatJumpsForgetsNobody) {
  const RelayId relay = AddGone("a");
  for (const int64_t jump : {30 * kDay, -60 * kDay, 30 * kDay}) {
    clock_.JumpSeconds(jump);
    PassInRounds(15 * kMinute);
    EXPECT_THAT(Known(), ElementsAre("a")) << jump;
  }
  EXPECT_EQ(SilentSeconds(relay), 3 * 15 * kMinute);
}

TEST_F(ForgettingTest, AWallClockThatWasAheadDuringAStartForgetsNobodyWhoComesBack) {
  AddGone("gone");
  const RelayId relay = AddConnected("back");
  Disconnect(relay);
  CloseAll();
  clock_.JumpSeconds(60 * kDay);
  Open();
  PassInRounds(2 * kMinute);
  ASSERT_EQ(Connect("back").relay, relay);
  clock_.JumpSeconds(-60 * kDay);  // it is set right
  PassInRounds(15 * kMinute);
  EXPECT_THAT(Known(), ElementsAre("back")) << "nobody knows that the other was heard of lately";
  Restart();
  EXPECT_THAT(Known(), ElementsAre("back"));
  EXPECT_LT(SilentSeconds(relay), 16 * kMinute) << "and what was stored is right, too";
}

TEST_F(ForgettingTest, AWallClockThatWasBehindDuringAStartForgetsLaterAndNotNever) {
  const RelayId relay = AddGone("a");
  CloseAll();
  clock_.JumpSeconds(-60 * kDay);
  Open();
  EXPECT_EQ(SilentSeconds(relay), 0) << "never less than nothing";
  Pass(kForgetAfter - 1);
  EXPECT_THAT(Known(), ElementsAre("a"));
  Pass(kRound + 1);
  EXPECT_THAT(Known(), IsEmpty());
}

TEST_F(ForgettingTest, NamedRelaysAreForgottenAtOnceAndForGood) {
  const RelayId first = AddGone("a");
  AddGone("b");
  const RelayId connected = AddConnected("c");
  const auto forgotten = Forget({connected, first});
  ASSERT_TRUE(forgotten.ok()) << forgotten.status();
  EXPECT_THAT(forgotten->forgotten, ElementsAre(first));
  EXPECT_THAT(forgotten->connected, ElementsAre(connected));
  EXPECT_THAT(Known(), ElementsAre("b", "c"));
  EXPECT_EQ(engine_->counters().forgotten, 1U);
  Restart();
  EXPECT_THAT(Known(), ElementsAre("b", "c"));
  EXPECT_EQ(Cells(connected), OneCell(1, "of c"));
}

TEST_F(ForgettingTest, AnUnknownIdIsInNoList) {
  const RelayId relay = AddGone("a");
  const uint64_t batches = engine_->counters().batches;
  const auto nothing = Forget({relay + 1, 0});
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_THAT(nothing->forgotten, IsEmpty());
  EXPECT_THAT(nothing->connected, IsEmpty());
  EXPECT_EQ(engine_->counters().batches, batches) << "nothing to be written";
  const auto twice = Forget({relay, relay + 1, relay});
  ASSERT_TRUE(twice.ok()) << twice.status();
  EXPECT_THAT(twice->forgotten, ElementsAre(relay)) << "once";
  const auto again = Forget({relay});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(again->forgotten, IsEmpty());
  EXPECT_EQ(engine_->counters().forgotten, 1U);
}

TEST_F(ForgettingTest, TwoCallsForOneRelayForgetItOnce) {
  const RelayId relay = AddGone("a");
  std::vector<size_t> forgotten;
  for (int i = 0; i < 2; ++i) {
    engine_->Forget({relay}, [&](const auto& result) {
      ASSERT_TRUE(result.ok()) << result.status();
      forgotten.push_back(result->forgotten.size());
    });
  }
  engine_->RunOnce();
  EXPECT_THAT(forgotten, UnorderedElementsAre(1, 0));
  EXPECT_EQ(engine_->counters().forgotten, 1U);
}

TEST_F(ForgettingTest, AForgottenRelayThatComesBackStartsFromNothing) {
  AddGone("other");
  const RelayId before = AddGone("a");
  ASSERT_TRUE(Forget({before}).ok());
  const auto connection = Connect("a");
  EXPECT_NE(connection.relay, before);
  EXPECT_EQ(connection.welcome.welcome().epoch(), 0U);
  EXPECT_TRUE(Cells(connection.relay).empty());
  const PendingOutcome refused = Submit(connection.relay, [] {
    ReportWriter writer;
    writer.Snapshot(9, OneCell(1));
    return writer.ReportTo(OneCell(2));
  }());
  engine_->RunOnce();
  EXPECT_TRUE(IsSnapshotRequest(refused.Wait()));
  Report(connection.relay, ReportWriter().Snapshot(10, OneCell(2, "again")));
  Restart();
  EXPECT_EQ(Cells(connection.relay), OneCell(2, "again"));
  EXPECT_THAT(Known(), ElementsAre("a", "other"));
}

// Its stream ended while the report waited.
TEST_F(ForgettingTest, AReportOfAnEndedStreamBringsAForgottenRelayNotBack) {
  const RelayId relay = AddConnected("a");
  ReportWriter writer;
  const PendingOutcome together = Submit(relay, writer.Snapshot(10, OneCell(5)));
  Disconnect(relay);
  ASSERT_TRUE(Forget({relay}).ok());
  EXPECT_TRUE(together.HasCome());
  EXPECT_THAT(Known(), IsEmpty());
  const PendingOutcome later = Submit(relay, writer.ReportTo(OneCell(6)));
  engine_->RunOnce();
  ASSERT_TRUE(later.HasCome());
  EXPECT_EQ(later.Wait().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Known(), IsEmpty());
  Restart();
  EXPECT_THAT(Known(), IsEmpty());
}

// Who asks for it has looked before: more may have come since.
TEST_F(ForgettingTest, ARelayWithMessagesStaysUnlessThatIsMeant) {
  const NamedCells mail = {{kQueue, Axis::kSenderDomain, "a", 1}};
  const RelayId empty = Connect("empty").relay;
  const RelayId loaded = Connect("loaded").relay;
  const RelayId waiting = Connect("waiting").relay;
  const RelayId emptied = Connect("emptied").relay;
  ReportWriter waiting_writer;
  ReportWriter emptied_writer;
  Report(empty, ReportWriter().Snapshot(9, {}));
  Report(loaded, ReportWriter().Snapshot(9, mail));
  Report(waiting, waiting_writer.Snapshot(9, {}));
  Report(emptied, emptied_writer.Snapshot(9, mail));
  const RelayId damaged = Connect("damaged").relay;
  const auto state = EmptyRelayState();
  state->damaged = true;
  fleet_->SetState(damaged, state);
  // These are in the same batch.
  const PendingOutcome gets_mail = Submit(waiting, waiting_writer.ReportTo(mail));
  const PendingOutcome loses_mail = Submit(emptied, emptied_writer.ReportTo({}));
  const std::vector<RelayId> all = {empty, loaded, waiting, emptied, damaged};
  for (const RelayId relay : all) Disconnect(relay);
  const auto forgotten = Forget(all, /*with_messages=*/false);
  ASSERT_TRUE(forgotten.ok()) << forgotten.status();
  EXPECT_TRUE(IsAcknowledgement(gets_mail.Wait(), 9, 2));
  EXPECT_THAT(forgotten->forgotten, ElementsAre(empty, emptied));
  EXPECT_THAT(forgotten->with_messages, ElementsAre(loaded, waiting, damaged));
  EXPECT_THAT(Known(), ElementsAre("damaged", "loaded", "waiting"));
  const auto rest = Forget(all);
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_THAT(rest->forgotten, ElementsAre(loaded, waiting, damaged));
  EXPECT_THAT(Known(), IsEmpty());
}

TEST_F(ForgettingTest, ARestartKnowsWhenRelaysWereHeardOf) {
  const RelayId connected = AddConnected("connected");
  const RelayId gone = AddConnected("gone");
  for (int64_t passed = 0; passed < 63 * kMinute; passed += 10) {
    for (const RelayId relay : {connected, gone}) {
      engine_->Heard(ConnectionOf(relay), clock_.NowMilliseconds());  // and has nothing to report
    }
    Pass(10);
  }
  Disconnect(gone);
  Pass(kRound);
  clock_.AdvanceSeconds(kDay);
  Restart();
  EXPECT_EQ(SilentSeconds(gone), kDay + kRound + 10) << "as its stream ended, it was stored";
  EXPECT_GE(SilentSeconds(connected), kDay + kRound + 10);
  EXPECT_LE(SilentSeconds(connected), kDay + kRound + 10 + 6 * kMinute) << "now and then";
  EXPECT_EQ(fleet_->View(gone).heard.wall_milliseconds,
            clock_.NowMilliseconds() - (kDay + kRound + 10) * 1000);
}

TEST_F(ForgettingTest, ThatARelayIsHeardOfIsStoredNowAndThenOnly) {
  const RelayId relay = AddConnected("a");
  const uint64_t before = engine_->counters().batches;
  for (int64_t passed = 0; passed < 60 * kMinute; passed += 10) {
    engine_->Heard(ConnectionOf(relay), clock_.NowMilliseconds());
    Pass(10);
  }
  EXPECT_LE(engine_->counters().batches - before, 12U);
  EXPECT_GE(engine_->counters().batches - before, 9U);
  Disconnect(relay);
  PassInRounds(2 * kMinute);
  const uint64_t silent = engine_->counters().batches;
  PassInRounds(60 * kMinute);
  EXPECT_EQ(engine_->counters().batches, silent) << "nothing new is known of it";
}

TEST_F(ForgettingTest, WhatIsSilentIsNotForgottenEarlierForARestart) {
  const RelayId relay = AddConnected("a");
  Pass(6 * kDay);
  engine_->Heard(ConnectionOf(relay), clock_.NowMilliseconds());
  Disconnect(relay);
  Pass(kRound);
  Restart();
  PassInRounds(15 * kMinute);
  Pass(2 * kDay);
  EXPECT_THAT(Known(), ElementsAre("a"));
  Pass(5 * kDay);
  EXPECT_THAT(Known(), IsEmpty());
}

}  // namespace
}  // namespace fleetqshape
