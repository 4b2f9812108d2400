// The agent's end of the report protocol when messages or connections are lost.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/agent/report/report_session_fixture.h"

namespace fleetqshape {
namespace {

TEST_F(ReportSessionTest, AReportThatDidNotArriveIsSentAgainAsTheSameBytes) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(2, Queue::kActive, "r@two");
  const auto bytes = ReportBytes(session_.TakeOutgoing());
  ASSERT_TRUE(bytes);
  for (int i = 0; i < 3; ++i) {
    session_.OnDisconnected();
    Put(3, Queue::kActive, "r@meanwhile" + std::to_string(i));
    EXPECT_TRUE(session_.TakeOutgoing().empty());
    Open();
    EXPECT_TRUE(session_.TakeOutgoing().empty()) << "before the welcome";
    session_.OnMessage(Welcome(kFirstEpoch, 1));
    EXPECT_EQ(ReportBytes(session_.TakeOutgoing()), bytes);
    EXPECT_TRUE(session_.TakeOutgoing().empty()) << "once a connection";
  }
  follower_.Apply(*ReportOf(std::vector<v1::AgentMessage>{[&] {
    v1::AgentMessage message;
    message.mutable_report_chunk()->set_data(*bytes);
    message.mutable_report_chunk()->set_last(true);
    return message;
  }()}));
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));
  const auto rest = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(rest);
  follower_.Apply(*rest);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, AReportWhoseAcknowledgementWasLostIsNotSentAgain) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(2, Queue::kActive, "r@two");
  const auto report = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(report);
  follower_.Apply(*report);
  session_.OnDisconnected();
  Put(3, Queue::kActive, "r@three");
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 2));
  const auto next = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sequence(), 3U);
  follower_.Apply(*next);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, ASnapshotWhoseAcknowledgementWasLostIsNotSentAgain) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  follower_.Apply(*ReportOf(session_.TakeOutgoing()));
  session_.OnDisconnected();
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, ASnapshotThatDidNotArriveIsMadeAgain) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  ASSERT_TRUE(ReportOf(session_.TakeOutgoing()));
  session_.OnDisconnected();
  Put(2, Queue::kActive, "r@two");
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 1U);
  follower_.Apply(*report);
  session_.OnMessage(Acknowledgement(report->epoch(), 1));
  if (const auto rest = ReportOf(session_.TakeOutgoing())) follower_.Apply(*rest);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, AnAggregatorThatIsWhereItWasGetsWhatChangedMeanwhile) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnDisconnected();
  Put(2, Queue::kActive, "r@two");
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  const auto report = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 2U);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

// Older (it lost reports that it had acknowledged), newer (not one of ours), or of another epoch.
TEST_F(ReportSessionTest, AnAggregatorThatHasSomethingElseGetsASnapshotInANewEpoch) {
  struct Case {
    const char* what;
    uint64_t epoch;
    uint64_t sequence;
  };
  for (const Case& one :
       {Case{"older", kFirstEpoch, 1}, Case{"much older", kFirstEpoch, 0},
        Case{"newer", kFirstEpoch, 4}, Case{"another epoch", 99, 2}, Case{"nothing", 0, 0}}) {
    for (const bool in_flight : {false, true}) {
      SCOPED_TRACE(std::string(one.what) + (in_flight ? " with a report in flight" : ""));
      std::deque<uint64_t> epochs = {kFirstEpoch, kSecondEpoch};
      QueueModel* const model = &model_;
      ReportSession session(Options(), model, &clock_, [&epochs] {
        const uint64_t epoch = epochs.front();
        epochs.pop_front();
        return epoch;
      });
      Follower follower;
      session.OnConnected();
      session.TakeOutgoing();
      session.OnMessage(Welcome(0, 0));
      follower.Apply(*ReportOf(session.TakeOutgoing()));
      session.OnMessage(Acknowledgement(kFirstEpoch, 1));
      session.OnCellChange({Queue::kHold, Axis::kSenderDomain, 0, 5}, 1);
      ASSERT_TRUE(ReportOf(session.TakeOutgoing()));
      session.OnMessage(Acknowledgement(kFirstEpoch, 2));
      if (in_flight) {
        session.OnCellChange({Queue::kHold, Axis::kSenderDomain, 0, 6}, 1);
        ASSERT_TRUE(ReportOf(session.TakeOutgoing()));
      }
      session.OnDisconnected();
      session.OnConnected();
      session.TakeOutgoing();
      session.OnMessage(Welcome(one.epoch, one.sequence));
      const auto report = ReportOf(session.TakeOutgoing());
      ASSERT_TRUE(report);
      EXPECT_EQ(report->epoch(), kSecondEpoch);
      follower.Apply(*report);
      EXPECT_EQ(follower.cells(), test::CellsOfModel(*model));
      session.OnMessage(Acknowledgement(kSecondEpoch, 1));
      EXPECT_TRUE(session.UpToDate());
    }
  }
}

TEST_F(ReportSessionTest, ASnapshotRequestIsAnsweredWithASnapshotInANewEpoch) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(2, Queue::kActive, "r@two");
  ASSERT_TRUE(ReportOf(session_.TakeOutgoing()));
  Put(3, Queue::kActive, "r@three");
  session_.OnMessage(SnapshotRequest());
  const auto report = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kSecondEpoch);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  session_.OnMessage(Acknowledgement(kSecondEpoch, 1));
  EXPECT_TRUE(session_.TakeOutgoing().empty()) << "what was pending is part of the snapshot";
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, ChangesBetweenARequestAndTheSnapshotArePartOfTheSnapshotOnly) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnMessage(SnapshotRequest());
  Put(2, Queue::kActive, "r@two");
  const auto report = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(report);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  session_.OnMessage(Acknowledgement(kSecondEpoch, 1));
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, AcknowledgementsForOtherReportsAreIgnored) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));  // of nothing in flight
  Put(2, Queue::kActive, "r@two");
  const auto second = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->sequence(), 2U);
  session_.OnMessage(Acknowledgement(kFirstEpoch, 1));
  session_.OnMessage(Acknowledgement(kFirstEpoch, 3));
  session_.OnMessage(Acknowledgement(kSecondEpoch, 2));
  session_.OnMessage(Acknowledgement(0, 0));
  session_.OnMessage(v1::AggregatorMessage());
  Put(3, Queue::kActive, "r@three");
  EXPECT_TRUE(session_.TakeOutgoing().empty()) << "the second report is still in flight";
  session_.OnMessage(SnapshotRequest());
  const auto snapshot = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(snapshot);
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));  // late: that report was given up
  EXPECT_FALSE(session_.UpToDate());
  session_.OnMessage(Acknowledgement(kSecondEpoch, 1));
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, ASecondWelcomeIsIgnored) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnMessage(Welcome(0, 0));
  EXPECT_TRUE(session_.UpToDate());
  EXPECT_TRUE(session_.TakeOutgoing().empty());
}

}  // namespace
}  // namespace fleetqshape
