#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/agent/report/report_session_fixture.h"

namespace fleetqshape {
namespace {

TEST_F(ReportSessionTest, SaysNothingUntilConnected) {
  Put(1, Queue::kActive, "r@r");
  EXPECT_TRUE(Take().empty());
  clock_.AdvanceSeconds(3600);
  EXPECT_TRUE(Take().empty());
  EXPECT_FALSE(session_.NextOutgoingMilliseconds());
  EXPECT_FALSE(session_.UpToDate());
}

TEST_F(ReportSessionTest, OpensWithHelloAndWaitsForWelcome) {
  Put(1, Queue::kActive, "r@r");
  session_.OnConnected();
  const Messages messages = Take();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].hello().SerializeAsString(), Options().hello.SerializeAsString());
  EXPECT_EQ(messages[0].clock_milliseconds(), clock_.NowMilliseconds());
  clock_.AdvanceSeconds(3600);
  EXPECT_TRUE(Take().empty()) << "not even a heartbeat";
  EXPECT_FALSE(session_.NextOutgoingMilliseconds());
  EXPECT_FALSE(session_.UpToDate());
}

TEST_F(ReportSessionTest, AWelcomeBeforeTheHelloIsIgnored) {
  Put(1, Queue::kActive, "r@r");
  session_.OnMessage(Welcome(0, 0));
  EXPECT_TRUE(Take().empty());
  session_.OnConnected();
  session_.OnMessage(Welcome(0, 0));
  const Messages messages = Take();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_TRUE(messages[0].has_hello());
}

TEST_F(ReportSessionTest, AnAggregatorThatHasNothingGetsASnapshot) {
  Put(1, Queue::kActive, "r@one");
  Put(2, Queue::kDeferred, "r@two");
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kFirstEpoch);
  EXPECT_EQ(report->sequence(), 1U);
  EXPECT_EQ(report->first_name_id(), 0U);
  EXPECT_EQ(report->digest(), model_.digest());
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  EXPECT_FALSE(session_.UpToDate());
  session_.OnMessage(Acknowledgement(kFirstEpoch, 1));
  EXPECT_TRUE(session_.UpToDate());
  EXPECT_EQ(session_.counters().snapshots, 1U);
  EXPECT_EQ(session_.counters().cells, 4U);
}

TEST_F(ReportSessionTest, AnEmptyQueueIsReportedToo) {
  ReportSnapshot();
  EXPECT_TRUE(follower_.cells().empty());
  EXPECT_EQ(session_.counters().snapshots, 1U);
}

TEST_F(ReportSessionTest, AnUnknownEpochMeansASnapshotInANewOne) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(12345, 17));  // of an agent that ran before this one
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 1U);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, AnEpochIsNeverZero) {
  epochs_ = {0, 0, 7};
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), 7U);
}

TEST_F(ReportSessionTest, DeltasFollowTheSnapshotWithGainsAndLosses) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(1, Queue::kDeferred, "r@one");
  Put(2, Queue::kActive, "r@two", 2000);
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kFirstEpoch);
  EXPECT_EQ(report->sequence(), 2U);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  EXPECT_EQ(session_.counters().deltas, 1U);
  EXPECT_EQ(session_.counters().cells, 2U + 4U + 2U);
}

TEST_F(ReportSessionTest, OneReportIsInFlightAndChangesGatherAndCancelOutMeanwhile) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(1, Queue::kDeferred, "r@one");
  const auto second = ReportOf(Take());
  ASSERT_TRUE(second);
  follower_.Apply(*second);
  for (int i = 0; i < 100; ++i) {
    Put(2, Queue::kActive, "r@comesandgoes");
    Remove(2, Queue::kActive);
    EXPECT_TRUE(Take().empty()) << "a report is in flight";
  }
  Put(3, Queue::kHold, "r@stays");
  EXPECT_TRUE(Take().empty());
  EXPECT_FALSE(session_.UpToDate());

  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));
  EXPECT_FALSE(session_.UpToDate()) << "changes are pending";
  const auto third = ReportOf(Take());
  ASSERT_TRUE(third);
  EXPECT_EQ(third->sequence(), 3U);
  EXPECT_EQ(third->sections_size(), 2) << "of what came and went nothing is told";
  follower_.Apply(*third);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  session_.OnMessage(Acknowledgement(kFirstEpoch, 3));
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, ChangesThatCancelOutAreNotReported) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(1, Queue::kDeferred, "r@one");
  Put(1, Queue::kActive, "r@one");
  EXPECT_TRUE(Take().empty());
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, ChangesAfterTheSnapshotWasMadeAreInTheNextDelta) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto snapshot = ReportOf(Take());
  ASSERT_TRUE(snapshot);
  follower_.Apply(*snapshot);
  Put(2, Queue::kActive, "r@two");
  Remove(1, Queue::kActive);
  session_.OnMessage(Acknowledgement(kFirstEpoch, 1));
  const auto delta = ReportOf(Take());
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->sequence(), 2U);
  follower_.Apply(*delta);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, ChunksAreBoundedAndMakeUpTheReport) {
  for (int i = 0; i < 50; ++i) {
    Put(static_cast<uint64_t>(i), Queue::kActive, "r@domain" + std::to_string(i));
  }
  Open();
  session_.OnMessage(Welcome(0, 0));
  const Messages messages = Take();
  EXPECT_GT(messages.size(), 5U);
  for (const v1::AgentMessage& message : messages) {
    EXPECT_LE(message.report_chunk().data().size(), 64U);
    EXPECT_EQ(message.clock_milliseconds(), clock_.NowMilliseconds());
  }
  const auto report = ReportOf(messages);
  ASSERT_TRUE(report);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  EXPECT_EQ(session_.counters().bytes, ReportBytes(messages)->size());
}

TEST_F(ReportSessionTest, AReportAsLongAsAChunkIsOneChunk) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  const size_t length = ReportBytes(Take())->size();
  for (const size_t chunk_bytes : {length - 1, length, length + 1, size_t{1}}) {
    ReportSession::Options options = Options();
    options.chunk_bytes = chunk_bytes;
    ReportSession session(options, &model_, &clock_, [] { return kFirstEpoch; });
    session.OnConnected();
    TakeAll(&session);
    session.OnMessage(Welcome(0, 0));
    const Messages messages = TakeAll(&session);
    const size_t pieces = (length + chunk_bytes - 1) / chunk_bytes;
    EXPECT_EQ(messages.size(), pieces == 1 ? 1 : 1 + pieces) << "the first of several is empty";
    EXPECT_TRUE(ReportOf(messages));
  }
}

TEST_F(ReportSessionTest, NamesAreSentOnceAnEpoch) {
  std::map<std::string, int> sent;
  const auto count_names = [&](const v1::Report& report) {
    for (const std::string& name : report.names()) ++sent[name];
  };
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  auto report = ReportOf(Take());
  count_names(*report);
  follower_.Apply(*report);
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
    session_.OnMessage(Acknowledgement(kFirstEpoch, sequence));
    Put(sequence + 1, Queue::kActive, "r@name" + std::to_string(sequence % 7));
    Remove(sequence, Queue::kActive);
    report = ReportOf(Take());
    ASSERT_TRUE(report);
    count_names(*report);
    follower_.Apply(*report);
    EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  }
  for (const auto& [name, times] : sent) EXPECT_EQ(times, 1) << name;
  EXPECT_EQ(sent.size(), 9U);

  // A new epoch knows none of them.
  session_.OnMessage(SnapshotRequest());
  report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->first_name_id(), 0U);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, NamesOfChangesThatCancelledOutComeWithTheNextReport) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(2, Queue::kActive, "r@goneagain");
  Remove(2, Queue::kActive);
  EXPECT_TRUE(Take().empty());
  Put(2, Queue::kActive, "r@next");
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, RenewedNamesAreReportedByASnapshot) {
  Put(1, Queue::kActive, "r@gone");
  ReportSnapshot();
  Remove(1, Queue::kActive);
  Put(2, Queue::kActive, "r@two");
  model_.RenewNames();
  session_.OnNamesRenewed();
  EXPECT_FALSE(session_.UpToDate());
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kSecondEpoch);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.names(), (std::vector<std::string>{"sender", "two"}));
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, NamesRenewedWhileAReportIsInFlightWaitForItsEnd) {
  Put(1, Queue::kActive, "r@gone");
  ReportSnapshot();
  Put(2, Queue::kActive, "r@two");
  ASSERT_TRUE(ReportOf(Take()));
  Remove(1, Queue::kActive);
  model_.RenewNames();
  session_.OnNamesRenewed();
  EXPECT_TRUE(Take().empty());
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));
  EXPECT_FALSE(session_.UpToDate());
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kSecondEpoch);
  Follower follower;
  follower.Apply(*report);
  EXPECT_EQ(follower.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, ASnapshotReplacesMorePendingCellsThanTheQueueIsWorth) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnDisconnected();
  for (int64_t i = 0; i < 100'000; ++i) {
    session_.OnCellChange({Queue::kHold, Axis::kSenderDomain, 0, i}, 1);
  }
  EXPECT_FALSE(session_.UpToDate());
  session_.OnCellChange({Queue::kHold, Axis::kSenderDomain, 0, 100'000}, 1);
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kSecondEpoch);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, HeartbeatsComeWhenNothingElseWasSentForTheirInterval) {
  ReportSnapshot();
  const int64_t sent = clock_.NowMilliseconds();
  const int64_t monotonic = clock_.MonotonicMilliseconds();
  EXPECT_EQ(session_.NextOutgoingMilliseconds(), monotonic + 10'000);
  clock_.AdvanceMilliseconds(9'999);
  EXPECT_TRUE(Take().empty());
  clock_.AdvanceMilliseconds(1);
  const Messages messages = Take();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_TRUE(messages[0].has_heartbeat());
  EXPECT_EQ(messages[0].clock_milliseconds(), sent + 10'000);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(session_.NextOutgoingMilliseconds(), monotonic + 20'000);

  // A report puts the next one off.
  clock_.AdvanceMilliseconds(6'000);
  Put(1, Queue::kActive, "r@one");
  ASSERT_TRUE(ReportOf(Take()));
  clock_.AdvanceMilliseconds(9'000);
  EXPECT_TRUE(Take().empty());
  clock_.AdvanceMilliseconds(1'000);
  EXPECT_EQ(Take().size(), 1U) << "also while a report is in flight";
  EXPECT_EQ(session_.counters().heartbeats, 2U);
}

TEST_F(ReportSessionTest, AQueueThatDoesNotChangeSendsNoCellsForAnHour) {
  for (int i = 0; i < 20; ++i) {
    Put(static_cast<uint64_t>(i), Queue::kDeferred, "r@domain" + std::to_string(i));
  }
  ReportSnapshot();
  const uint64_t cells = session_.counters().cells;
  const uint64_t bytes = session_.counters().bytes;
  for (int second = 0; second < 3600; ++second) {
    clock_.AdvanceSeconds(1);
    // The agent looks at its queue every second, and finds it as it was.
    model_.BeginPass();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(test::SeeFile(static_cast<uint64_t>(i), Queue::kDeferred, 1, &model_));
    }
    model_.EndPass({kAllQueues.begin(), kAllQueues.end()});
    for (const v1::AgentMessage& message : Take()) {
      EXPECT_TRUE(message.has_heartbeat());
    }
    EXPECT_TRUE(session_.UpToDate());
  }
  EXPECT_EQ(session_.counters().cells, cells);
  EXPECT_EQ(session_.counters().bytes, bytes);
  EXPECT_EQ(session_.counters().snapshots, 1U);
  EXPECT_EQ(session_.counters().deltas, 0U);
  EXPECT_EQ(session_.counters().heartbeats, 360U);
}

TEST_F(ReportSessionTest, AMessageReadAgainInVainSendsNothing) {
  Put(1, Queue::kDeferred, "r@one");
  ReportSnapshot();
  for (int i = 0; i < 10; ++i) {
    Put(1, Queue::kDeferred, "r@one");
    EXPECT_TRUE(Take().empty());
  }
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, AfterADisconnectItOpensWithHelloAgain) {
  ReportSnapshot();
  session_.OnDisconnected();
  EXPECT_FALSE(session_.UpToDate());
  EXPECT_FALSE(session_.NextOutgoingMilliseconds());
  clock_.AdvanceSeconds(60);
  EXPECT_TRUE(Take().empty());
  Open();
  session_.OnDisconnected();  // before the welcome
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_TRUE(session_.UpToDate());
}

}  // namespace
}  // namespace fleetqshape
