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
  const auto bytes = ReportBytes(Take());
  ASSERT_TRUE(bytes);
  for (int i = 0; i < 3; ++i) {
    session_.OnDisconnected();
    Put(3, Queue::kActive, "r@meanwhile" + std::to_string(i));
    EXPECT_TRUE(Take().empty());
    Open();
    EXPECT_TRUE(Take().empty()) << "before the welcome";
    session_.OnMessage(Welcome(kFirstEpoch, 1));
    EXPECT_EQ(ReportBytes(Take()), bytes);
    EXPECT_TRUE(Take().empty()) << "once a connection";
  }
  follower_.Apply(*ReportOf(std::vector<v1::AgentMessage>{[&] {
    v1::AgentMessage message;
    message.mutable_report_chunk()->set_data(*bytes);
    message.mutable_report_chunk()->set_last(true);
    return message;
  }()}));
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));
  EXPECT_EQ(session_.counters().resent, 3U);
  EXPECT_EQ(session_.counters().acknowledged, 2U);
  EXPECT_EQ(session_.counters().lost, 0U);
  const auto rest = ReportOf(Take());
  ASSERT_TRUE(rest);
  follower_.Apply(*rest);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, AReportWhoseAcknowledgementWasLostIsNotSentAgain) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(2, Queue::kActive, "r@two");
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  follower_.Apply(*report);
  session_.OnDisconnected();
  Put(3, Queue::kActive, "r@three");
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 2));
  const auto next = ReportOf(Take());
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sequence(), 3U);
  follower_.Apply(*next);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  EXPECT_EQ(session_.counters().acknowledged, 2U) << "by the welcome, the second time";
  EXPECT_EQ(session_.counters().resent, 0U);
  EXPECT_EQ(session_.counters().lost, 0U);
}

TEST_F(ReportSessionTest, ASnapshotWhoseAcknowledgementWasLostIsNotSentAgain) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  follower_.Apply(*ReportOf(Take()));
  session_.OnDisconnected();
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_TRUE(Take().empty());
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, ASnapshotThatDidNotArriveIsMadeAgain) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  ASSERT_TRUE(ReportOf(Take()));
  session_.OnDisconnected();
  Put(2, Queue::kActive, "r@two");
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 1U);
  follower_.Apply(*report);
  session_.OnMessage(Acknowledgement(report->epoch(), 1));
  if (const auto rest = ReportOf(Take())) follower_.Apply(*rest);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, AnAggregatorThatIsWhereItWasGetsWhatChangedMeanwhile) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnDisconnected();
  Put(2, Queue::kActive, "r@two");
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  const auto report = ReportOf(Take());
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
      TakeAll(&session);
      session.OnMessage(Welcome(0, 0));
      follower.Apply(*ReportOf(TakeAll(&session)));
      session.OnMessage(Acknowledgement(kFirstEpoch, 1));
      session.OnCellChange({Queue::kHold, Axis::kSenderDomain, 0, 5}, 1);
      ASSERT_TRUE(ReportOf(TakeAll(&session)));
      session.OnMessage(Acknowledgement(kFirstEpoch, 2));
      if (in_flight) {
        session.OnCellChange({Queue::kHold, Axis::kSenderDomain, 0, 6}, 1);
        ASSERT_TRUE(ReportOf(TakeAll(&session)));
      }
      session.OnDisconnected();
      session.OnConnected();
      TakeAll(&session);
      session.OnMessage(Welcome(one.epoch, one.sequence));
      const auto report = ReportOf(TakeAll(&session));
      ASSERT_TRUE(report);
      EXPECT_EQ(report->epoch(), kSecondEpoch);
      follower.Apply(*report);
      EXPECT_EQ(follower.cells(), test::CellsOfModel(*model));
      session.OnMessage(Acknowledgement(kSecondEpoch, 1));
      EXPECT_TRUE(session.UpToDate());
      const bool is_lost = one.epoch != kFirstEpoch || one.sequence < 2;
      EXPECT_EQ(session.counters().lost, is_lost ? 1U : 0U);
      EXPECT_EQ(session.counters().resent, 0U);
      EXPECT_EQ(session.counters().acknowledged, 3U);
    }
  }
}

TEST_F(ReportSessionTest, ASnapshotRequestIsAnsweredWithASnapshotInANewEpoch) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(2, Queue::kActive, "r@two");
  ASSERT_TRUE(ReportOf(Take()));
  Put(3, Queue::kActive, "r@three");
  session_.OnMessage(SnapshotRequest());
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kSecondEpoch);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  session_.OnMessage(Acknowledgement(kSecondEpoch, 1));
  EXPECT_TRUE(Take().empty()) << "what was pending is part of the snapshot";
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, ChangesBetweenARequestAndTheSnapshotArePartOfTheSnapshotOnly) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnMessage(SnapshotRequest());
  Put(2, Queue::kActive, "r@two");
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  session_.OnMessage(Acknowledgement(kSecondEpoch, 1));
  EXPECT_TRUE(Take().empty());
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, AcknowledgementsForOtherReportsAreIgnored) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));  // of nothing in flight
  Put(2, Queue::kActive, "r@two");
  const auto second = ReportOf(Take());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->sequence(), 2U);
  session_.OnMessage(Acknowledgement(kFirstEpoch, 1));
  session_.OnMessage(Acknowledgement(kFirstEpoch, 3));
  session_.OnMessage(Acknowledgement(kSecondEpoch, 2));
  session_.OnMessage(Acknowledgement(0, 0));
  session_.OnMessage(v1::AggregatorMessage());
  Put(3, Queue::kActive, "r@three");
  EXPECT_TRUE(Take().empty()) << "the second report is still in flight";
  session_.OnMessage(SnapshotRequest());
  const auto snapshot = ReportOf(Take());
  ASSERT_TRUE(snapshot);
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));  // late: that report was given up
  EXPECT_FALSE(session_.UpToDate());
  session_.OnMessage(Acknowledgement(kSecondEpoch, 1));
  EXPECT_TRUE(session_.UpToDate());
}

// Whatever the aggregator has of the report, the snapshot takes its place.
TEST_F(ReportSessionTest, NamesRenewedAndTheConnectionLostWhileAReportIsInFlight) {
  for (const bool renewed_first : {true, false}) {
    for (const uint64_t sequence : {1, 2}) {
      SCOPED_TRACE(sequence);
      QueueModel model([this](const Cell& cell, int64_t change) {
        if (session_to_tell_ != nullptr) session_to_tell_->OnCellChange(cell, change);
      });
      uint64_t epoch = kFirstEpoch;
      ReportSession session(Options(), &model, &clock_, [&epoch] { return epoch++; });
      session_to_tell_ = &session;
      test::PutFile(1, Queue::kActive, envelopes_.Make(1000, "s@sender", {"r@one"}), &model);
      session.OnConnected();
      TakeAll(&session);
      session.OnMessage(Welcome(0, 0));
      ASSERT_TRUE(ReportOf(TakeAll(&session)));
      session.OnMessage(Acknowledgement(kFirstEpoch, 1));
      test::PutFile(2, Queue::kActive, envelopes_.Make(1000, "s@sender", {"r@two"}), &model);
      ASSERT_TRUE(ReportOf(TakeAll(&session)));
      if (!renewed_first) session.OnDisconnected();
      model.RenewNames();
      session.OnNamesRenewed();
      if (renewed_first) session.OnDisconnected();
      session.OnConnected();
      TakeAll(&session);
      session.OnMessage(Welcome(kFirstEpoch, sequence));
      const auto report = ReportOf(TakeAll(&session));
      ASSERT_TRUE(report);
      EXPECT_EQ(report->epoch(), kSecondEpoch);
      Follower follower;
      follower.Apply(*report);
      EXPECT_EQ(follower.cells(), test::CellsOfModel(model));
      session.OnMessage(Acknowledgement(kSecondEpoch, 1));
      EXPECT_TRUE(session.UpToDate());
      session_to_tell_ = nullptr;
    }
  }
}

TEST_F(ReportSessionTest, ASecondWelcomeIsIgnored) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  session_.OnMessage(Welcome(0, 0));
  EXPECT_TRUE(session_.UpToDate());
  EXPECT_TRUE(Take().empty());
}

}  // namespace
}  // namespace fleetqshape
