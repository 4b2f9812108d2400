// What the tests of the agent's end of the report protocol share.
#ifndef FLEETQSHAPE_TESTS_AGENT_REPORT_REPORT_SESSION_FIXTURE_H_
#define FLEETQSHAPE_TESTS_AGENT_REPORT_REPORT_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <deque>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/report/report_session.h"
#include "common/codec/section_codec.h"
#include "fleetqshape/v1/report.pb.h"
#include "tests/support/envelope_maker.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_files.h"
#include "tests/support/named_cells.h"

namespace fleetqshape {

using test::NamedCells;

using Messages = std::vector<v1::AgentMessage>;

inline constexpr uint64_t kFirstEpoch = 0xE1;
inline constexpr uint64_t kSecondEpoch = 0xE2;

inline v1::AggregatorMessage Welcome(uint64_t epoch, uint64_t sequence) {
  v1::AggregatorMessage message;
  message.mutable_welcome()->set_epoch(epoch);
  message.mutable_welcome()->set_sequence(sequence);
  return message;
}

inline v1::AggregatorMessage Acknowledgement(uint64_t epoch, uint64_t sequence) {
  v1::AggregatorMessage message;
  message.mutable_acknowledgement()->set_epoch(epoch);
  message.mutable_acknowledgement()->set_sequence(sequence);
  return message;
}

inline v1::AggregatorMessage SnapshotRequest() {
  v1::AggregatorMessage message;
  message.mutable_snapshot_request()->set_reason("a test");
  return message;
}

// The queue is looked at, as it is each second, and what there is to say then is sent.
inline Messages TakeAll(ReportSession* session) {
  session->OnQueueSeen();
  Messages all;
  for (;;) {
    Messages some = session->TakeOutgoing();
    if (some.empty()) return all;
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
}

// The bytes of the one report that the messages carry, all of them its chunks; none if there are
// no messages.
inline std::optional<std::string> ReportBytes(const Messages& messages) {
  if (messages.empty()) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_TRUE(messages[i].has_report_chunk()) << messages[i].ShortDebugString();
    EXPECT_EQ(messages[i].report_chunk().last(), i + 1 == messages.size());
    bytes += messages[i].report_chunk().data();
  }
  const v1::ReportChunk& first = messages[0].report_chunk();
  EXPECT_EQ(first.report_bytes(), messages.size() == 1 ? 0 : bytes.size());
  EXPECT_EQ(first.data().empty(), messages.size() > 1);
  for (size_t i = 1; i < messages.size(); ++i) {
    EXPECT_EQ(messages[i].report_chunk().report_bytes(), 0U);
    EXPECT_FALSE(messages[i].report_chunk().data().empty());
  }
  return bytes;
}

inline std::optional<v1::Report> ReportOf(const Messages& messages) {
  const auto bytes = ReportBytes(messages);
  v1::Report report;
  if (!bytes || !report.ParseFromString(*bytes)) return std::nullopt;
  return report;
}

// What an aggregator that takes all reports at their word would hold.
class Follower {
 public:
  void Apply(const v1::Report& report) {
    if (report.sequence() == 1) {
      EXPECT_NE(report.epoch(), 0U);
      EXPECT_NE(report.epoch(), epoch_);
      epoch_ = report.epoch();
      sequence_ = 0;
      names_.clear();
      cells_.clear();
    }
    EXPECT_EQ(report.epoch(), epoch_);
    EXPECT_EQ(report.sequence(), ++sequence_);
    EXPECT_EQ(report.first_name_id(), names_.size());
    for (const std::string& name : report.names()) names_.push_back(name);
    for (const v1::Section& section : report.sections()) {
      const auto decoded = DecodeSection(section.SerializeAsString());
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      const auto& [queue, axis, delta, plain] = *decoded;
      EXPECT_TRUE(plain);
      const auto name_of = [this](uint32_t id) { return names_.at(id); };
      NamedCells lost;
      test::AddBlock(queue, axis, delta.gained, name_of, &cells_);
      test::AddBlock(queue, axis, delta.lost, name_of, &lost);
      for (const test::NamedCell& cell : lost) {
        ASSERT_NE(cells_.find(cell), cells_.end()) << "lost, but not there: " << cell;
        cells_.erase(cells_.find(cell));
      }
    }
    EXPECT_EQ(report.digest(), test::DigestOf(cells_));
  }

  const NamedCells& cells() const { return cells_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  uint64_t epoch_ = 0;
  uint64_t sequence_ = 0;
  std::vector<std::string> names_;
  NamedCells cells_;
};

class ReportSessionTest : public ::testing::Test {
 protected:
  static ReportSession::Options Options() {
    ReportSession::Options options;
    options.hello.set_protocol_version(1);
    options.hello.set_host("relay1");
    options.chunk_bytes = 64;
    options.heartbeat_milliseconds = 10'000;
    return options;
  }

  void Put(uint64_t number, Queue queue, const std::string& recipient, int64_t arrival = 1000) {
    test::PutFile(number, queue, envelopes_.Make(arrival, "s@sender", {recipient}), &model_);
  }
  void Remove(uint64_t number, Queue queue) {
    model_.Remove(test::PlaceIn(queue), test::FileName(number));
  }

  Messages Take() { return TakeAll(&session_); }

  // Connects and takes the hello.
  void Open() {
    session_.OnConnected();
    const Messages messages = Take();
    ASSERT_EQ(messages.size(), 1U);
    ASSERT_TRUE(messages[0].has_hello());
  }
  // Connects to an aggregator that has nothing, and reports the model as it is.
  void ReportSnapshot() {
    Open();
    session_.OnMessage(Welcome(0, 0));
    const auto report = ReportOf(Take());
    ASSERT_TRUE(report);
    ASSERT_EQ(report->sequence(), 1U);
    follower_.Apply(*report);
    session_.OnMessage(Acknowledgement(report->epoch(), 1));
    ASSERT_TRUE(session_.UpToDate());
  }

  test::EnvelopeMaker envelopes_;
  test::ManualClock clock_;
  std::deque<uint64_t> epochs_ = {kFirstEpoch, kSecondEpoch, 0xE3, 0xE4};
  QueueModel model_{
      [this](const Cell& cell, int64_t change) { session_.OnCellChange(cell, change); }};
  ReportSession session_{Options(), &model_, &clock_, [this] {
                           const uint64_t epoch = epochs_.front();
                           epochs_.pop_front();
                           return epoch;
                         }};
  Follower follower_;
  ReportSession* session_to_tell_ = nullptr;  // of a model that is the test's own
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_AGENT_REPORT_REPORT_SESSION_FIXTURE_H_
