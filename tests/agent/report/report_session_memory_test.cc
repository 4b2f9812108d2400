// What a session holds, and how much of it at a time it hands out.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/agent/report/report_session_fixture.h"

namespace fleetqshape {
namespace {

class ReportSessionMemoryTest : public ::testing::Test {
 protected:
  static constexpr size_t kChunk = 64;
  static constexpr size_t kOutgoing = 4 * kChunk;

  ReportSessionMemoryTest() {
    ReportSession::Options options;
    options.chunk_bytes = kChunk;
    options.outgoing_bytes = kOutgoing;
    session_ =
        std::make_unique<ReportSession>(options, &model_, &clock_, [this] { return ++epoch_; });
  }

  // To `recipients` domains each.
  void Put(uint64_t number, Queue queue, int recipients = 1) {
    std::vector<std::string> addresses;
    for (int i = 0; i < recipients; ++i) addresses.push_back("r@domain" + std::to_string(i));
    test::PutFile(number, queue,
                  envelopes_.Make(static_cast<int64_t>(number), "s@sender", addresses), &model_);
  }
  void Connect(uint64_t epoch, uint64_t sequence) {
    session_->OnConnected();
    session_->TakeOutgoing();
    session_->OnMessage(Welcome(epoch, sequence));
  }
  // Connected, and the model reported.
  void ReportSnapshot() {
    Connect(0, 0);
    TakeAll(session_.get());
    session_->OnMessage(Acknowledgement(1, 1));
    ASSERT_TRUE(session_->UpToDate());
  }

  test::ManualClock clock_;
  test::EnvelopeMaker envelopes_;
  uint64_t epoch_ = 0;
  std::unique_ptr<ReportSession> session_;
  QueueModel model_{
      [this](const Cell& cell, int64_t change) { session_->OnCellChange(cell, change); }};
};

TEST_F(ReportSessionMemoryTest, ALongReportIsHandedOutInParts) {
  for (uint64_t i = 0; i < 2000; ++i) Put(i * 1000, Queue::kActive);
  Connect(0, 0);
  Messages all;
  while (all.empty() || !all.back().report_chunk().last()) {
    const Messages part = session_->TakeOutgoing();
    ASSERT_FALSE(part.empty());
    size_t bytes = 0;
    for (const v1::AgentMessage& message : part) {
      EXPECT_TRUE(message.has_report_chunk());
      bytes += message.report_chunk().data().size();
    }
    EXPECT_LE(bytes, kOutgoing);
    EXPECT_GT(bytes, 0U);
    clock_.AdvanceSeconds(3600);  // no heartbeat comes between them
    all.insert(all.end(), part.begin(), part.end());
    // Events change nothing about a report that is being sent.
    model_.Remove(test::PlaceIn(Queue::kActive), test::FileName(all.size() * 1000));
  }
  ASSERT_GT(all.size(), 40U);
  EXPECT_EQ(all[0].report_chunk().report_bytes(), session_->in_flight_bytes());
  ASSERT_TRUE(ReportOf(all));
}

TEST_F(ReportSessionMemoryTest, APartIsAWholeChunkAtLeast) {
  ReportSession::Options options;
  options.chunk_bytes = 100;
  options.outgoing_bytes = 1;
  for (uint64_t i = 0; i < 100; ++i) Put(i * 1000, Queue::kActive);
  ReportSession session(options, &model_, &clock_, [] { return 5; });
  session.OnConnected();
  session.TakeOutgoing();
  session.OnMessage(Welcome(0, 0));
  const Messages messages = session.TakeOutgoing();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_TRUE(messages[0].report_chunk().data().empty());
  EXPECT_EQ(messages[1].report_chunk().data().size(), 100U);
}

TEST_F(ReportSessionMemoryTest, AReportOfWhichAPartWasSentIsSentFromItsStartAfterAReconnect) {
  ReportSnapshot();
  for (uint64_t i = 0; i < 500; ++i) Put(i * 1000, Queue::kActive);
  session_->OnQueueSeen();
  const Messages part = session_->TakeOutgoing();
  ASSERT_FALSE(part.back().report_chunk().last());
  session_->OnDisconnected();
  Connect(1, 1);
  const auto report = ReportOf(TakeAll(session_.get()));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 2U);
}

// Whatever an aggregator answers before it has the whole report, no two reports get mixed up.
TEST_F(ReportSessionMemoryTest, AReportIsSentToItsEndWhateverIsAnswered) {
  for (const bool refused : {false, true}) {
    SCOPED_TRACE(refused);
    for (uint64_t i = 0; i < 500; ++i) Put(i * 1000, refused ? Queue::kHold : Queue::kActive);
    if (!refused) Connect(0, 0);
    session_->OnQueueSeen();
    Messages all = session_->TakeOutgoing();
    ASSERT_FALSE(all.back().report_chunk().last());
    const uint64_t sequence = refused ? 2 : 1;
    session_->OnMessage(refused ? SnapshotRequest() : Acknowledgement(1, sequence));
    while (!all.back().report_chunk().last()) {
      const Messages part = session_->TakeOutgoing();
      ASSERT_FALSE(part.empty());
      all.insert(all.end(), part.begin(), part.end());
    }
    const auto report = ReportOf(all);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->sequence(), sequence);
    if (!refused) {
      EXPECT_TRUE(session_->TakeOutgoing().empty()) << "it is not acknowledged yet";
      session_->OnMessage(Acknowledgement(1, 1));
      EXPECT_TRUE(session_->UpToDate());
      continue;
    }
    const auto snapshot = ReportOf(TakeAll(session_.get()));
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(snapshot->sequence(), 1U);
    EXPECT_EQ(snapshot->epoch(), 2U);
  }
}

TEST_F(ReportSessionMemoryTest, ASnapshotThatMayNeverHaveArrivedIsNotKept) {
  for (uint64_t i = 0; i < 500; ++i) Put(i * 1000, Queue::kActive);
  Connect(0, 0);
  ASSERT_TRUE(ReportOf(TakeAll(session_.get())));
  EXPECT_GT(session_->in_flight_bytes(), 1000U);
  session_->OnDisconnected();
  EXPECT_EQ(session_->in_flight_bytes(), 0U);
  Put(5, Queue::kHold);
  Connect(1, 1);  // it did arrive
  const auto delta = ReportOf(TakeAll(session_.get()));
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->sequence(), 2U);

  session_->OnMessage(SnapshotRequest());
  ASSERT_TRUE(ReportOf(TakeAll(session_.get())));
  session_->OnDisconnected();
  Connect(2, 0);  // nobody says this
  const auto snapshot = ReportOf(TakeAll(session_.get()));
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->epoch(), 3U);
}

TEST_F(ReportSessionMemoryTest, ADeltaThatASnapshotWillReplaceIsNotKept) {
  ReportSnapshot();
  Put(1, Queue::kActive);
  ASSERT_TRUE(ReportOf(TakeAll(session_.get())));
  session_->OnDisconnected();
  EXPECT_GT(session_->in_flight_bytes(), 0U);
  session_->OnNamesRenewed();
  EXPECT_EQ(session_->in_flight_bytes(), 0U);
}

// A day of mail that comes and goes while the aggregator is away.
TEST_F(ReportSessionMemoryTest, AnOutageLeavesNoMoreThanTheQueueDiffersBy) {
  for (uint64_t i = 0; i < 1000; ++i) Put(i, Queue::kDeferred);
  ReportSnapshot();
  session_->OnDisconnected();
  size_t most = 0;
  for (uint64_t i = 1000; i < 50'000; ++i) {
    Put(i, Queue::kActive);
    model_.Remove(test::PlaceIn(i < 2000 ? Queue::kDeferred : Queue::kActive),
                  test::FileName(i - 1000));
    most = std::max(most, session_->pending_cells());
  }
  // 1,000 messages are gone, and 1,000 others there; each by its sender and its recipient.
  EXPECT_LE(most, 4004U);
  EXPECT_EQ(session_->pending_cells(), 4000U);
}

TEST_F(ReportSessionMemoryTest, AQueueThatMovesAsAWholeIsADelta) {
  constexpr uint64_t kMessages = 20'000;
  for (uint64_t i = 0; i < kMessages; ++i) Put(i, Queue::kDeferred, 5);
  ReportSnapshot();
  session_->OnDisconnected();
  constexpr uint64_t kMoved = kMessages - 1;  // the last one's arrivals are lost before they come
  for (uint64_t i = 0; i < kMoved; ++i) Put(i, Queue::kActive, 5);
  EXPECT_EQ(session_->pending_cells(), kMoved * 6 * 2);
  // And then another 20,000 arrivals change: a snapshot is smaller.
  for (int64_t i = 0; i <= 20'000; ++i) {
    session_->OnCellChange({Queue::kHold, Axis::kSenderDomain, 0, i}, 1);
  }
  EXPECT_EQ(session_->pending_cells(), 0U);
  Connect(1, 1);
  const auto report = ReportOf(TakeAll(session_.get()));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 1U);
}

}  // namespace
}  // namespace fleetqshape
