// Several streams: those that wait for each other, and those of one relay.
#include "aggregator/ingest/ingest_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/aggregator/ingest/session_fixture.h"

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

constexpr auto kOk = absl::StatusCode::kOk;

class IngestSessionsTest : public SessionTest {
 protected:
  void OpenWithHeld(size_t held_bytes) {
    IngestLimits limits;
    limits.held_bytes = limits.report_bytes = held_bytes;
    Open(limits);
  }
};

TEST_F(IngestSessionsTest, AReportThatWaitsIsNotReadBeforeThereIsRoom) {
  OpenWithHeld(1000);
  TestStream first = OpenFor("a");
  TestStream second = OpenFor("b");
  first.Give(Piece("", false, 900));
  second.Give(Piece("", false, 101));
  EXPECT_EQ(second.transport->reads, 0);
  EXPECT_EQ(waiting(), 1U);
  clock_.AdvanceMilliseconds(IngestLimits().report_milliseconds - 1);
  first.Close();
  EXPECT_TRUE(second.ReadsOn());
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(held(), 101U);
  clock_.AdvanceMilliseconds(IngestLimits().report_milliseconds - 1);
  sessions_->CheckDeadlines();
  EXPECT_EQ(second.EndCode(), kOk) << "its time begins when it is admitted";
  clock_.AdvanceMilliseconds(1);
  sessions_->CheckDeadlines();
  EXPECT_EQ(second.EndCode(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(IngestSessionsTest, AWholeReportThatWaitedIsAppliedOnceThereIsRoom) {
  OpenWithHeld(1000);
  TestStream first = OpenFor("a");
  TestStream second = OpenFor("b");
  first.Give(Piece("", false, 1000));
  second.Give(Piece(SnapshotBytes(9), true));
  EXPECT_EQ(second.transport->reads, 0);
  engine_->RunOnce();
  EXPECT_TRUE(second.transport->sent.empty());
  first.Close();
  EXPECT_TRUE(second.ReadsOn());
  engine_->RunOnce();
  EXPECT_TRUE(IsAcknowledged(second, 9, 1));
  EXPECT_EQ(second.transport->reads, 1) << "asked for once";
  EXPECT_EQ(CellsOf("b"), OneCell(1));
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestSessionsTest, AWholeReportThatWaitedAndDoesNotParseEndsItsStream) {
  OpenWithHeld(1000);
  TestStream first = OpenFor("a");
  TestStream second = OpenFor("b");
  first.Give(Piece("", false, 1000));
  second.Give(Piece("\xff\xff\xff", true));
  first.Close();
  EXPECT_EQ(second.EndCode(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(second.transport->reads, 0);
  second.Close();
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestSessionsTest, AStreamThatEndsWhileItsReportWaitsLeavesTheQueue) {
  OpenWithHeld(1000);
  TestStream first = OpenFor("a");
  TestStream second = OpenFor("b");
  TestStream third = OpenFor("c");
  first.Give(Piece("", false, 900));
  second.Give(Piece(SnapshotBytes(9) + std::string(500, '\0'), true));
  third.Give(Piece(SnapshotBytes(9), true));
  EXPECT_EQ(waiting(), 2U);
  second.Close();
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(sessions_->counters().open, 2U) << "nothing keeps what is closed";
  EXPECT_TRUE(third.ReadsOn()) << "it stood in its way";
  first.Close();
  engine_->RunOnce();
  EXPECT_TRUE(IsAcknowledged(third, 9, 1));
  EXPECT_EQ(fleet_->View(IdOf("b")).state->epoch, 0U);
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestSessionsTest, AStreamThatWasEndedWhileItsReportWaitedDoesNotSubmitIt) {
  OpenWithHeld(1000);
  TestStream first = OpenFor("a");
  TestStream second = OpenFor("b", 7);
  first.Give(Piece("", false, 1000));
  second.Give(Piece(SnapshotBytes(9), true));
  TestStream again = OpenFor("b", 7);
  EXPECT_EQ(second.EndCode(), absl::StatusCode::kAborted);
  first.Close();
  engine_->RunOnce();
  EXPECT_EQ(fleet_->View(IdOf("b")).state->epoch, 0U);
  second.Close();
  EXPECT_EQ(held(), 0U);
  EXPECT_TRUE(fleet_->View(IdOf("b")).connected) << "by the new one";
}

// An announcement is all that a report needs: the limit has to be enough for one.
TEST_F(IngestSessionsTest, TheLargestReportIsAdmittedWhateverTheOtherLimitSays) {
  IngestLimits limits;
  limits.report_bytes = 1000;
  limits.held_bytes = 10;
  Open(limits);
  TestStream stream = OpenFor("a");
  stream.Give(Piece("", false, 1000));
  EXPECT_TRUE(stream.ReadsOn());
}

TEST_F(IngestSessionsTest, AnAgentTakesOverFromItsOwnOlderStreamAndNobodyElseDoes) {
  TestStream first = OpenFor("a", 7);
  TestStream other = OpenStream("ipv4:10.0.0.2:2");
  other.Give(HelloMessage("a", 8));
  EXPECT_EQ(other.EndCode(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(other.transport->ends[0].message()),
              AllOf(HasSubstr("10.0.0.1:1"), HasSubstr("10.0.0.2:2")));
  TestStream unknown = OpenStream();
  unknown.Give(HelloMessage("a", 0));
  EXPECT_EQ(unknown.EndCode(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(first.EndCode(), kOk);
  TestStream second = OpenFor("a", 7);
  EXPECT_EQ(first.EndCode(), absl::StatusCode::kAborted);
  first.Close();
  EXPECT_TRUE(fleet_->View(IdOf("a")).connected);
  second.Give(Piece(SnapshotBytes(9), true));
  engine_->RunOnce();
  EXPECT_TRUE(IsAcknowledged(second, 9, 1));
  second.Close();
  EXPECT_FALSE(fleet_->View(IdOf("a")).connected);
}

// Its welcome told the agent what there is: what comes by the old stream is older than that.
TEST_F(IngestSessionsTest, AReportOfAReplacedStreamIsNotAppliedAfterTheNewOnes) {
  TestStream first = OpenFor("a", 7);
  const std::string old_bytes = SnapshotBytes(9, 1);
  first.Give(Piece("", false, old_bytes.size()));
  TestStream second = OpenFor("a", 7);
  second.Give(Piece(SnapshotBytes(10, 2), true));
  first.Give(Piece(old_bytes, true));  // was on its way
  engine_->RunOnce();
  engine_->RunOnce();
  EXPECT_TRUE(IsAcknowledged(second, 10, 1));
  EXPECT_EQ(CellsOf("a"), OneCell(2));
  EXPECT_TRUE(first.transport->sent.empty());
  first.Close();
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestSessionsTest, AReplacedStreamThatLastsMayOutliveItsRelay) {
  TestStream first = OpenFor("a", 7);
  TestStream second = OpenFor("a", 7);
  second.Close();
  engine_->Forget({IdOf("a")}, [](const auto&) {});
  engine_->RunOnce();
  EXPECT_TRUE(fleet_->Snapshot().empty());
  first.Give(Heartbeat());
  first.Give(Piece(SnapshotBytes(9), true));
  engine_->RunOnce();
  first.Close();
  EXPECT_TRUE(fleet_->Snapshot().empty());
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestSessionsTest, ARelayIsForgottenThoughItsLastReportWaits) {
  TestStream stream = OpenFor("a");
  stream.Give(Piece(SnapshotBytes(9), true));
  const RelayId relay = IdOf("a");
  stream.Close();
  engine_->Forget({relay}, [](const auto&) {});
  engine_->RunOnce();
  EXPECT_TRUE(fleet_->Snapshot().empty());
  EXPECT_TRUE(store_.records().empty());
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestSessionsTest, StreamsBeyondTheLimitAreRefusedUntilOthersEnd) {
  IngestLimits limits;
  limits.streams = 2;
  Open(limits);
  TestStream first = OpenFor("a");
  const TestStream second = OpenFor("b");
  const auto refused = sessions_->Open("peer", std::make_shared<FakeTransport>());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(sessions_->counters().open, 2U);
  first.Close();
  const TestStream third = OpenFor("c");
  EXPECT_EQ(sessions_->counters().open, 2U);
}

// An outage of the network, while the whole fleet has something to say.
TEST_F(IngestSessionsTest, ThousandsOfStreamsThatEndWhileTheyWaitLeaveNothing) {
  OpenWithHeld(1000);
  std::vector<TestStream> streams;
  for (int i = 0; i < 5000; ++i) {
    streams.push_back(OpenFor(std::to_string(i)));
    streams.back().Give(Piece("", false, 1000));
  }
  EXPECT_EQ(waiting(), 4999U);
  for (TestStream& stream : streams) stream.Close();
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(held(), 0U);
  sessions_->CheckDeadlines();
  EXPECT_EQ(sessions_->counters().open, 0U);
}

}  // namespace
}  // namespace fleetqshape
