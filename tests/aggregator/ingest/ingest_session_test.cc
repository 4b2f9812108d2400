#include "aggregator/ingest/ingest_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "tests/aggregator/ingest/session_fixture.h"

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class IngestSessionTest : public SessionTest {};

TEST_F(IngestSessionTest, AHelloIsAnsweredWithWhatTheAggregatorHas) {
  TestStream stream = OpenStream();
  stream.Give(HelloMessage("a"));
  ASSERT_EQ(stream.transport->sent.size(), 1U);
  EXPECT_EQ(stream.transport->sent[0].welcome().epoch(), 0U);
  EXPECT_TRUE(stream.ReadsOn());
  stream.transport->sent.clear();
  stream.Give(Piece(SnapshotBytes(9), true));
  EXPECT_TRUE(stream.ReadsOn()) << "a heartbeat may come";
  EXPECT_TRUE(stream.transport->sent.empty()) << "nothing is on the disk";
  engine_->RunOnce();
  EXPECT_TRUE(IsAcknowledged(stream, 9, 1));
  EXPECT_EQ(CellsOf("a"), OneCell(1));
  stream.Close();
  EXPECT_FALSE(fleet_->View(IdOf("a")).connected);

  TestStream again = OpenStream();
  again.Give(HelloMessage("a"));
  ASSERT_EQ(again.transport->sent.size(), 1U);
  EXPECT_EQ(again.transport->sent[0].welcome().epoch(), 9U);
  EXPECT_EQ(again.transport->sent[0].welcome().sequence(), 1U);
}

TEST_F(IngestSessionTest, AStreamThatDoesNotStartWithAHelloIsEnded) {
  for (const v1::AgentMessage& message :
       {Heartbeat(), Piece(SnapshotBytes(9), true), v1::AgentMessage()}) {
    TestStream stream = OpenStream();
    stream.Give(message);
    EXPECT_EQ(stream.EndCode(), kInvalid);
    EXPECT_EQ(stream.transport->reads, 0);
    EXPECT_TRUE(stream.transport->sent.empty());
    stream.Close();
  }
  EXPECT_TRUE(fleet_->Snapshot().empty());
  EXPECT_EQ(sessions_->counters().ended, 3U);
}

TEST_F(IngestSessionTest, ASecondHelloEndsTheStream) {
  TestStream stream = OpenFor("a");
  stream.Give(HelloMessage("a"));
  EXPECT_EQ(stream.EndCode(), kInvalid);
  EXPECT_EQ(stream.transport->reads, 0);
  EXPECT_TRUE(stream.transport->sent.empty());
  stream.Close();
  EXPECT_FALSE(fleet_->View(IdOf("a")).connected);
}

TEST_F(IngestSessionTest, AnEmptyMessageTellsOnlyThatTheRelayIsAlive) {
  TestStream stream = OpenFor("a");
  clock_.AdvanceSeconds(5);
  stream.Give(v1::AgentMessage());
  EXPECT_TRUE(stream.ReadsOn());
  EXPECT_EQ(stream.EndCode(), kOk);
  EXPECT_EQ(fleet_->View(IdOf("a")).heard.wall_milliseconds, clock_.NowMilliseconds());
}

TEST_F(IngestSessionTest, AReportComesInAnyPiecesWithHeartbeatsBetween) {
  const std::string bytes = SnapshotBytes(9);
  for (size_t length = 1; length <= bytes.size(); ++length) {
    Open(IngestLimits());
    TestStream stream = OpenFor("a");
    stream.Give(Piece("", false, bytes.size()));
    ASSERT_TRUE(stream.ReadsOn());
    EXPECT_EQ(held(), bytes.size()) << "all that will come";
    for (size_t begin = 0; begin < bytes.size(); begin += length) {
      const bool last = begin + length >= bytes.size();
      // As agents do: the first piece with data says it again.
      stream.Give(Piece(bytes.substr(begin, length), last, begin == 0 ? bytes.size() : 0));
      ASSERT_TRUE(stream.ReadsOn());
      stream.Give(Heartbeat());
      ASSERT_TRUE(stream.ReadsOn());
    }
    engine_->RunOnce();
    EXPECT_TRUE(IsAcknowledged(stream, 9, 1)) << length;
    EXPECT_EQ(CellsOf("a"), OneCell(1));
    EXPECT_EQ(held(), 0U);
    stream.Close();
  }
}

// Each of these is what an agent must not do after its welcome.
TEST_F(IngestSessionTest, AReportThatIsNotAsItSaysEndsTheStreamAndHoldsNothing) {
  const std::string bytes = SnapshotBytes(9);
  const size_t size = bytes.size();
  const std::map<std::string, std::vector<v1::AgentMessage>> cases = {
      {"more than it said", {Piece("", false, size - 1), Piece(bytes, true)}},
      {"more than it said, at once", {Piece(bytes, true, size - 1)}},
      {"less than it said", {Piece("", false, size + 1), Piece(bytes, true)}},
      {"less than it said, at once", {Piece(bytes, true, size + 1)}},
      {"all of it, and no end", {Piece("", false, size), Piece(bytes, false)}},
      {"all of it at once, and no end", {Piece(bytes, false)}},
      {"nothing, and no end", {Piece("", false)}},
      {"nothing of something", {Piece("", true, size)}},
      {"another one in its midst", {Piece("", false, 2 * size), Piece(bytes, false, size)}},
      {"no protobuf", {Piece("\xff\xff\xff", true)}},
      {"no protobuf, in pieces", {Piece("", false, 3), Piece("\xff\xff\xff", true)}},
  };
  for (const auto& [what, messages] : cases) {
    SCOPED_TRACE(what);
    TestStream stream = OpenFor("a");
    for (const v1::AgentMessage& message : messages) {
      EXPECT_EQ(stream.EndCode(), kOk) << "only the last one is wrong";
      stream.Give(message);
    }
    EXPECT_EQ(stream.EndCode(), kInvalid);
    EXPECT_EQ(stream.transport->reads, 0);
    stream.Close();
    EXPECT_EQ(held(), 0U);
    engine_->RunOnce();
    EXPECT_EQ(fleet_->View(IdOf("a")).state->epoch, 0U);
  }
}

TEST_F(IngestSessionTest, AReportOfNoBytesHasNoEpochAndEndsTheStream) {
  TestStream stream = OpenFor("a");
  stream.Give(Piece("", true));
  EXPECT_TRUE(stream.ReadsOn());
  engine_->RunOnce();
  EXPECT_EQ(stream.EndCode(), kInvalid);
}

TEST_F(IngestSessionTest, AReportBeyondTheLimitIsRefusedBeforeAnyOfItComes) {
  const size_t limit = IngestLimits().report_bytes;
  for (const uint64_t bytes : {uint64_t{limit} + 1, std::numeric_limits<uint64_t>::max(),
                               std::numeric_limits<uint64_t>::max() - 100}) {
    TestStream stream = OpenFor("a");
    stream.Give(Piece("", false, bytes));
    EXPECT_EQ(stream.EndCode(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(stream.transport->ends[0].message()), HasSubstr(std::to_string(limit)));
    EXPECT_EQ(held(), 0U);
    stream.Close();
  }
  TestStream stream = OpenFor("a");
  stream.Give(Piece("", false, limit));
  EXPECT_TRUE(stream.ReadsOn());
  EXPECT_EQ(held(), limit);
  stream.Close();
  EXPECT_EQ(held(), 0U);
}

// What waits to be admitted is in memory, and counts nowhere.
TEST_F(IngestSessionTest, APieceBeyondTheLimitEndsTheStream) {
  const size_t limit = IngestLimits().piece_bytes;
  TestStream stream = OpenFor("a");
  stream.Give(Piece("", false, 3 * limit));
  stream.Give(Piece(std::string(limit, 'x'), false));
  EXPECT_TRUE(stream.ReadsOn());
  stream.Give(Piece(std::string(limit + 1, 'x'), false));
  EXPECT_EQ(stream.EndCode(), kInvalid);
  stream.Close();
  TestStream whole = OpenFor("a");
  whole.Give(Piece(std::string(limit + 1, 'x'), true));
  EXPECT_EQ(whole.EndCode(), kInvalid);
}

TEST_F(IngestSessionTest, ASecondReportBeforeTheAnswerEndsTheStreamAndTheFirstIsApplied) {
  TestStream stream = OpenFor("a");
  stream.Give(Piece(SnapshotBytes(9), true));
  stream.Give(Piece(SnapshotBytes(10, 2), true));
  EXPECT_EQ(stream.EndCode(), kInvalid);
  EXPECT_EQ(held(), SnapshotBytes(9).size());
  stream.Close();
  EXPECT_EQ(held(), SnapshotBytes(9).size()) << "it is still under way";
  engine_->RunOnce();
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(CellsOf("a"), OneCell(1));
  EXPECT_TRUE(stream.transport->sent.empty()) << "there is nobody";
  EXPECT_EQ(stream.transport->ends.size(), 1U);
}

TEST_F(IngestSessionTest, AReportThatCannotBeStoredEndsTheStreamOnceWithTheReason) {
  TestStream stream = OpenFor("a");
  store_.AddResult(absl::ResourceExhaustedError("no space left"));
  stream.Give(Piece(SnapshotBytes(9), true));
  engine_->RunOnce();
  EXPECT_EQ(stream.EndCode(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(stream.transport->ends[0].message()), HasSubstr("no space left"));
  EXPECT_EQ(held(), 0U) << "whenever the stream's end is seen";
  // It does what it likes until it sees the end.
  stream.Give(Heartbeat());
  stream.Give(Piece(SnapshotBytes(9), true));
  stream.Give(HelloMessage("a"));
  EXPECT_EQ(stream.transport->reads, 0);
  EXPECT_EQ(stream.transport->ends.size(), 1U);
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(sessions_->counters().ended, 1U);
  stream.Close();
}

TEST_F(IngestSessionTest, AReportThatIsRefusedIsAnsweredWithARequestForASnapshot) {
  TestStream stream = OpenFor("a");
  ReportWriter writer;
  writer.Snapshot(9, OneCell(1));
  stream.Give(Piece(writer.ReportTo(OneCell(2)).SerializeAsString(), true));
  engine_->RunOnce();
  ASSERT_EQ(stream.transport->sent.size(), 1U);
  EXPECT_TRUE(IsSnapshotRequest(stream.transport->sent[0]));
  EXPECT_EQ(stream.EndCode(), kOk);
  EXPECT_EQ(held(), 0U);
  stream.transport->sent.clear();
  stream.Give(Piece(SnapshotBytes(10), true));
  engine_->RunOnce();
  EXPECT_TRUE(IsAcknowledged(stream, 10, 1));
}

TEST_F(IngestSessionTest, AStreamThatEndsInMidReportGivesBackWhatItHeld) {
  TestStream stream = OpenFor("a");
  stream.Give(Piece("", false, 1000));
  stream.Give(Piece("abc", false));
  EXPECT_EQ(held(), 1000U);
  stream.Close();
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestSessionTest, AStreamThatEndsBeforeItsHelloIsNobodys) {
  TestStream stream = OpenStream();
  EXPECT_EQ(sessions_->counters().open, 1U);
  stream.Close();
  EXPECT_EQ(sessions_->counters().open, 0U);
  EXPECT_EQ(sessions_->counters().ended, 0U);
}

TEST_F(IngestSessionTest, AnAnswerAfterTheStreamsEndGoesNowhere) {
  TestStream stream = OpenFor("a");
  stream.Give(Piece(SnapshotBytes(9), true));
  const std::weak_ptr<FakeTransport> transport = stream.transport;
  stream.Close();
  stream.transport.reset();
  EXPECT_TRUE(transport.expired()) << "the session has let go of it";
  engine_->RunOnce();
  EXPECT_EQ(CellsOf("a"), OneCell(1)) << "it was whole";
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(sessions_->counters().open, 0U);
}

TEST_F(IngestSessionTest, AHelloThatDoesNotComeInTimeEndsTheStreamOnce) {
  TestStream silent = OpenStream();
  TestStream prompt = OpenFor("a");
  clock_.AdvanceMilliseconds(IngestLimits().hello_milliseconds - 1);
  sessions_->CheckDeadlines();
  EXPECT_EQ(silent.EndCode(), kOk);
  clock_.AdvanceMilliseconds(1);
  sessions_->CheckDeadlines();
  sessions_->CheckDeadlines();
  EXPECT_EQ(silent.EndCode(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(prompt.EndCode(), kOk);
  silent.Give(HelloMessage("b"));
  EXPECT_TRUE(silent.transport->sent.empty()) << "too late";
  EXPECT_EQ(fleet_->Snapshot().size(), 1U);
  clock_.AdvanceSeconds(100'000);
  sessions_->CheckDeadlines();
  EXPECT_EQ(prompt.EndCode(), kOk) << "a silent stream is not a slow report";
}

TEST_F(IngestSessionTest, AReportThatTakesTooLongEndsTheStream) {
  TestStream stream = OpenFor("a");
  stream.Give(Piece("", false, 1000));
  for (int64_t passed = 0; passed < IngestLimits().report_milliseconds; passed += 1000) {
    sessions_->CheckDeadlines();
    EXPECT_EQ(stream.EndCode(), kOk);
    stream.Give(Piece("x", false));
    stream.Give(Heartbeat());
    clock_.AdvanceMilliseconds(1000);
  }
  sessions_->CheckDeadlines();
  EXPECT_EQ(stream.EndCode(), absl::StatusCode::kDeadlineExceeded) << "however busy";
  stream.Close();
  EXPECT_EQ(held(), 0U);
}

// The disk may be slow, which is no agent's fault.
TEST_F(IngestSessionTest, AnAnswerThatTakesLongIsNotTheAgentsFault) {
  TestStream stream = OpenFor("a");
  stream.Give(Piece(SnapshotBytes(9), true));
  clock_.AdvanceSeconds(3600);
  sessions_->CheckDeadlines();
  EXPECT_EQ(stream.EndCode(), kOk);
  engine_->RunOnce();
  EXPECT_TRUE(IsAcknowledged(stream, 9, 1));
  clock_.AdvanceSeconds(3600);
  sessions_->CheckDeadlines();
  EXPECT_EQ(stream.EndCode(), kOk);
}

TEST_F(IngestSessionTest, AStreamThatWasEndedForItsReportIsNotEndedForItsTimeToo) {
  TestStream stream = OpenFor("a");
  stream.Give(Piece("", false, 3));
  stream.Give(Piece("\xff\xff\xff", true));
  EXPECT_EQ(stream.EndCode(), kInvalid);
  clock_.AdvanceMilliseconds(2 * IngestLimits().report_milliseconds);
  sessions_->CheckDeadlines();
  EXPECT_EQ(stream.EndCode(), kInvalid);
  EXPECT_EQ(sessions_->counters().ended, 1U);
}

}  // namespace
}  // namespace fleetqshape
