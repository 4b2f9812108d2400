// When a session sends what: deltas, snapshots that are asked for, heartbeats; whatever the wall
// clock does.

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/agent/report/report_session_fixture.h"

namespace fleetqshape {
namespace {

class ReportSessionPaceTest : public ReportSessionTest {
 protected:
  // What the session has to say without a look at the queue.
  std::optional<v1::Report> ReportWithoutALook() { return ReportOf(session_.TakeOutgoing()); }
  void Acknowledge(const v1::Report& report) {
    follower_.Apply(report);
    session_.OnMessage(Acknowledgement(report.epoch(), report.sequence()));
  }
};

TEST_F(ReportSessionPaceTest, AnAcknowledgementAloneMakesNoDelta) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(2, Queue::kActive, "r@two");
  const auto delta = ReportOf(Take());
  ASSERT_TRUE(delta);
  Put(3, Queue::kActive, "r@three");
  Acknowledge(*delta);
  EXPECT_TRUE(session_.TakeOutgoing().empty()) << "the queue was not looked at since";
  Put(4, Queue::kActive, "r@four");
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  const auto next = ReportOf(Take());
  ASSERT_TRUE(next);
  Acknowledge(*next);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionPaceTest, WhatALookSawGoesOutAsSoonAsTheReportInFlightIsAcknowledged) {
  ReportSnapshot();
  Put(1, Queue::kActive, "r@one");
  const auto delta = ReportOf(Take());
  ASSERT_TRUE(delta);
  Put(2, Queue::kActive, "r@two");
  session_.OnQueueSeen();
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  Acknowledge(*delta);
  const auto next = ReportWithoutALook();
  ASSERT_TRUE(next);
  Acknowledge(*next);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

// Events each 50 ms, a look each second, an acknowledgement after 50 ms.
TEST_F(ReportSessionPaceTest, ThereIsOneDeltaALookHoweverManyEventsThereAre) {
  ReportSnapshot();
  for (uint64_t tick = 1; tick <= 20 * 60; ++tick) {
    clock_.AdvanceMilliseconds(50);
    Put(tick, Queue::kActive, "r@domain" + std::to_string(tick % 7));
    if (tick % 3 == 0) Remove(tick / 2, Queue::kActive);
    if (tick % 20 == 0) session_.OnQueueSeen();
    if (const auto report = ReportWithoutALook()) Acknowledge(*report);
  }
  EXPECT_EQ(session_.counters().deltas, 60U);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionPaceTest, ALookThatFoundNothingHastensNothing) {
  ReportSnapshot();
  session_.OnQueueSeen();
  Put(1, Queue::kActive, "r@one");
  EXPECT_TRUE(session_.TakeOutgoing().empty());
}

TEST_F(ReportSessionPaceTest, ChangesThatNoLookFollowsGoOutAfterTwoIntervals) {
  ReportSnapshot();
  clock_.AdvanceMilliseconds(500);
  const int64_t changed = clock_.MonotonicMilliseconds();
  Put(1, Queue::kActive, "r@one");
  clock_.AdvanceMilliseconds(1000);
  Put(2, Queue::kActive, "r@two");
  EXPECT_EQ(session_.NextOutgoingMilliseconds(), changed + 2000);
  clock_.AdvanceMilliseconds(999);
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  clock_.AdvanceMilliseconds(1);
  const auto report = ReportWithoutALook();
  ASSERT_TRUE(report);
  Put(3, Queue::kActive, "r@three");
  EXPECT_EQ(session_.NextOutgoingMilliseconds(), clock_.MonotonicMilliseconds() + 10'000)
      << "a report is in flight";
  Acknowledge(*report);
  EXPECT_EQ(session_.NextOutgoingMilliseconds(), clock_.MonotonicMilliseconds() + 2000);
}

TEST_F(ReportSessionPaceTest, SnapshotsAndReportsThatAreSentAgainWaitForNoLook) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto snapshot = ReportWithoutALook();
  ASSERT_TRUE(snapshot);
  Acknowledge(*snapshot);
  Put(2, Queue::kActive, "r@two");
  const auto bytes = ReportBytes(Take());
  session_.OnDisconnected();
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_EQ(ReportBytes(session_.TakeOutgoing()), bytes);
  session_.OnMessage(SnapshotRequest());
  EXPECT_TRUE(ReportWithoutALook());
}

TEST_F(ReportSessionPaceTest, WhatWasSeenWhileDisconnectedGoesOutAtOnce) {
  ReportSnapshot();
  session_.OnDisconnected();
  Put(1, Queue::kActive, "r@one");
  session_.OnQueueSeen();
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_TRUE(ReportWithoutALook());
}

TEST_F(ReportSessionPaceTest, HeartbeatsComeInTheSameTimeWhateverTheWallClockDoes) {
  ReportSnapshot();
  for (const int64_t jump : {-86'400, 86'400, 10, -10}) {
    SCOPED_TRACE(jump);
    const auto next = session_.NextOutgoingMilliseconds();
    clock_.JumpSeconds(jump);
    EXPECT_EQ(session_.NextOutgoingMilliseconds(), next);
    EXPECT_TRUE(session_.TakeOutgoing().empty());
    clock_.AdvanceMilliseconds(9'999);
    EXPECT_TRUE(session_.TakeOutgoing().empty());
    clock_.AdvanceMilliseconds(1);
    const Messages messages = session_.TakeOutgoing();
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_TRUE(messages[0].has_heartbeat());
    EXPECT_EQ(messages[0].clock_milliseconds(), clock_.NowMilliseconds()) << "the wall clock";
  }
}

// An aggregator that is never content.
TEST_F(ReportSessionPaceTest, SnapshotsThatAreAskedForInARowWaitLongerAndLonger) {
  epochs_ = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  for (const int64_t delay : {0, 1000, 2000, 4000, 8000, 16'000, 32'000, 60'000, 60'000}) {
    SCOPED_TRACE(delay);
    session_.OnMessage(SnapshotRequest());
    const int64_t asked = clock_.MonotonicMilliseconds();
    while (clock_.MonotonicMilliseconds() < asked + delay) {
      EXPECT_LE(session_.NextOutgoingMilliseconds(), asked + delay);
      for (const v1::AgentMessage& message : session_.TakeOutgoing()) {
        EXPECT_TRUE(message.has_heartbeat());
      }
      session_.OnMessage(SnapshotRequest());  // it is known already
      clock_.AdvanceMilliseconds(500);
    }
    const auto snapshot = ReportWithoutALook();
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(snapshot->sequence(), 1U);
    follower_.Apply(*snapshot);
    // Being taken does not end the row: it may be found wrong later, with the next delta.
    if (delay % 3000 == 0) session_.OnMessage(Acknowledgement(snapshot->epoch(), 1));
  }
  EXPECT_EQ(session_.counters().snapshots, 10U);
}

TEST_F(ReportSessionPaceTest, ADeltaThatIsAcknowledgedEndsTheRow) {
  epochs_ = {1, 2, 3, 4, 5, 6};
  ReportSnapshot();
  session_.OnMessage(SnapshotRequest());
  Acknowledge(*ReportWithoutALook());
  Put(1, Queue::kActive, "r@one");
  Acknowledge(*ReportOf(Take()));
  session_.OnMessage(SnapshotRequest());
  EXPECT_TRUE(ReportWithoutALook());
  session_.OnMessage(SnapshotRequest());
  EXPECT_FALSE(ReportWithoutALook());
}

TEST_F(ReportSessionPaceTest, AnHourOfPeaceEndsTheRow) {
  epochs_ = {1, 2, 3, 4, 5, 6};
  ReportSnapshot();
  session_.OnMessage(SnapshotRequest());
  Acknowledge(*ReportWithoutALook());
  clock_.AdvanceSeconds(3599);
  session_.OnMessage(SnapshotRequest());
  EXPECT_TRUE(session_.TakeOutgoing()[0].has_heartbeat());
  clock_.AdvanceSeconds(1);
  Acknowledge(*ReportWithoutALook());
  clock_.AdvanceSeconds(3599);
  session_.OnMessage(SnapshotRequest());
  EXPECT_TRUE(ReportOf(Messages(session_.TakeOutgoing())));
}

TEST_F(ReportSessionPaceTest, ASnapshotThatWaitsDoesSoThroughAReconnect) {
  epochs_ = {1, 2, 3, 4};
  ReportSnapshot();
  session_.OnMessage(SnapshotRequest());
  Acknowledge(*ReportWithoutALook());
  session_.OnMessage(SnapshotRequest());
  clock_.AdvanceMilliseconds(500);
  session_.OnDisconnected();
  Open();
  session_.OnMessage(Welcome(2, 1));
  EXPECT_TRUE(Take().empty());
  clock_.AdvanceMilliseconds(500);
  EXPECT_TRUE(ReportWithoutALook());
}

}  // namespace
}  // namespace fleetqshape
