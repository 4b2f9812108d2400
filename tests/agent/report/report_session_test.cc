#include "agent/report/report_session.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/codec/section_codec.h"
#include "fleetqshape/v1/report.pb.h"
#include "tests/support/envelope_maker.h"
#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"

namespace fleetqshape {
namespace {

using test::NamedCells;

using Messages = std::vector<v1::AgentMessage>;

constexpr uint64_t kFirstEpoch = 0xE1;
constexpr uint64_t kSecondEpoch = 0xE2;

v1::AggregatorMessage Welcome(uint64_t epoch, uint64_t sequence) {
  v1::AggregatorMessage message;
  message.mutable_welcome()->set_epoch(epoch);
  message.mutable_welcome()->set_sequence(sequence);
  return message;
}

v1::AggregatorMessage Acknowledgement(uint64_t epoch, uint64_t sequence) {
  v1::AggregatorMessage message;
  message.mutable_acknowledgement()->set_epoch(epoch);
  message.mutable_acknowledgement()->set_sequence(sequence);
  return message;
}

v1::AggregatorMessage SnapshotRequest() {
  v1::AggregatorMessage message;
  message.mutable_snapshot_request()->set_reason("a test");
  return message;
}

// The bytes of the one report that the messages carry, all of them its chunks; none if there are
// no messages.
std::optional<std::string> ReportBytes(const Messages& messages) {
  if (messages.empty()) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_TRUE(messages[i].has_report_chunk()) << messages[i].ShortDebugString();
    EXPECT_EQ(messages[i].report_chunk().last(), i + 1 == messages.size());
    bytes += messages[i].report_chunk().data();
  }
  return bytes;
}

std::optional<v1::Report> ReportOf(const Messages& messages) {
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
      const auto delta = DecodeSection(section);
      ASSERT_TRUE(delta.ok()) << delta.status();
      const auto queue = static_cast<Queue>(section.queue());
      const auto axis = static_cast<Axis>(section.axis());
      const auto name_of = [this](uint32_t id) { return names_.at(id); };
      NamedCells lost;
      test::AddBlock(queue, axis, delta->gained, name_of, &cells_);
      test::AddBlock(queue, axis, delta->lost, name_of, &lost);
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

  void Put(ino_t inode, Queue queue, const std::string& recipient, int64_t arrival = 1000) {
    model_.Put(inode, {queue, 1, 1}, envelopes_.Make(arrival, "s@sender", {recipient}));
  }
  void Remove(ino_t inode, Queue queue) { model_.Put(inode, {queue, 1, 1}, nullptr); }

  // Connects and takes the hello.
  void Open() {
    session_.OnConnected();
    const Messages messages = session_.TakeOutgoing();
    ASSERT_EQ(messages.size(), 1U);
    ASSERT_TRUE(messages[0].has_hello());
  }
  // Connects to an aggregator that has nothing, and reports the model as it is.
  void ReportSnapshot() {
    Open();
    session_.OnMessage(Welcome(0, 0));
    const auto report = ReportOf(session_.TakeOutgoing());
    ASSERT_TRUE(report);
    ASSERT_EQ(report->sequence(), 1U);
    follower_.Apply(*report);
    session_.OnMessage(Acknowledgement(report->epoch(), 1));
    ASSERT_TRUE(session_.UpToDate());
  }

  test::EnvelopeMaker envelopes_;
  test::ManualClock clock_;
  std::deque<uint64_t> epochs_ = {kFirstEpoch, kSecondEpoch, 0xE3, 0xE4};
  QueueModel model_{[this](const Cell& cell, int change) { session_.OnCellChange(cell, change); }};
  ReportSession session_{Options(), &model_, &clock_, [this] {
                           const uint64_t epoch = epochs_.front();
                           epochs_.pop_front();
                           return epoch;
                         }};
  Follower follower_;
};

TEST_F(ReportSessionTest, SaysNothingUntilConnected) {
  Put(1, Queue::kActive, "r@r");
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  clock_.AdvanceSeconds(3600);
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  EXPECT_FALSE(session_.NextHeartbeatMilliseconds());
  EXPECT_FALSE(session_.UpToDate());
}

TEST_F(ReportSessionTest, OpensWithHelloAndWaitsForWelcome) {
  Put(1, Queue::kActive, "r@r");
  session_.OnConnected();
  const Messages messages = session_.TakeOutgoing();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].hello().SerializeAsString(), Options().hello.SerializeAsString());
  EXPECT_EQ(messages[0].clock_milliseconds(), clock_.NowMilliseconds());
  clock_.AdvanceSeconds(3600);
  EXPECT_TRUE(session_.TakeOutgoing().empty()) << "not even a heartbeat";
  EXPECT_FALSE(session_.NextHeartbeatMilliseconds());
  EXPECT_FALSE(session_.UpToDate());
}

TEST_F(ReportSessionTest, AWelcomeBeforeTheHelloIsIgnored) {
  Put(1, Queue::kActive, "r@r");
  session_.OnMessage(Welcome(0, 0));
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  session_.OnConnected();
  session_.OnMessage(Welcome(0, 0));
  const Messages messages = session_.TakeOutgoing();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_TRUE(messages[0].has_hello());
}

TEST_F(ReportSessionTest, AnAggregatorThatHasNothingGetsASnapshot) {
  Put(1, Queue::kActive, "r@one");
  Put(2, Queue::kDeferred, "r@two");
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = ReportOf(session_.TakeOutgoing());
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
  const auto report = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 1U);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, AnEpochIsNeverZero) {
  epochs_ = {0, 0, 7};
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), 7U);
}

TEST_F(ReportSessionTest, DeltasFollowTheSnapshotWithGainsAndLosses) {
  Put(1, Queue::kActive, "r@one");
  ReportSnapshot();
  Put(1, Queue::kDeferred, "r@one");
  Put(2, Queue::kActive, "r@two", 2000);
  const auto report = ReportOf(session_.TakeOutgoing());
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
  const auto second = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(second);
  follower_.Apply(*second);
  for (int i = 0; i < 100; ++i) {
    Put(2, Queue::kActive, "r@comesandgoes");
    Remove(2, Queue::kActive);
    EXPECT_TRUE(session_.TakeOutgoing().empty()) << "a report is in flight";
  }
  Put(3, Queue::kHold, "r@stays");
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  EXPECT_FALSE(session_.UpToDate());

  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));
  EXPECT_FALSE(session_.UpToDate()) << "changes are pending";
  const auto third = ReportOf(session_.TakeOutgoing());
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
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, ChangesAfterTheSnapshotWasMadeAreInTheNextDelta) {
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto snapshot = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(snapshot);
  follower_.Apply(*snapshot);
  Put(2, Queue::kActive, "r@two");
  Remove(1, Queue::kActive);
  session_.OnMessage(Acknowledgement(kFirstEpoch, 1));
  const auto delta = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->sequence(), 2U);
  follower_.Apply(*delta);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, ChunksAreBoundedAndMakeUpTheReport) {
  for (int i = 0; i < 50; ++i) {
    Put(static_cast<ino_t>(i), Queue::kActive, "r@domain" + std::to_string(i));
  }
  Open();
  session_.OnMessage(Welcome(0, 0));
  const Messages messages = session_.TakeOutgoing();
  EXPECT_GT(messages.size(), 5U);
  for (const v1::AgentMessage& message : messages) {
    EXPECT_LE(message.report_chunk().data().size(), 64U);
    EXPECT_FALSE(message.report_chunk().data().empty());
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
  const size_t length = ReportBytes(session_.TakeOutgoing())->size();
  for (const size_t chunk_bytes : {length - 1, length, length + 1, size_t{1}}) {
    ReportSession::Options options = Options();
    options.chunk_bytes = chunk_bytes;
    ReportSession session(options, &model_, &clock_, [] { return kFirstEpoch; });
    session.OnConnected();
    session.TakeOutgoing();
    session.OnMessage(Welcome(0, 0));
    const Messages messages = session.TakeOutgoing();
    EXPECT_EQ(messages.size(), (length + chunk_bytes - 1) / chunk_bytes);
    EXPECT_TRUE(ReportOf(messages));
  }
}

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

TEST_F(ReportSessionTest, NamesAreSentOnceAnEpoch) {
  std::map<std::string, int> sent;
  const auto count_names = [&](const v1::Report& report) {
    for (const std::string& name : report.names()) ++sent[name];
  };
  Put(1, Queue::kActive, "r@one");
  Open();
  session_.OnMessage(Welcome(0, 0));
  auto report = ReportOf(session_.TakeOutgoing());
  count_names(*report);
  follower_.Apply(*report);
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
    session_.OnMessage(Acknowledgement(kFirstEpoch, sequence));
    Put(sequence + 1, Queue::kActive, "r@name" + std::to_string(sequence % 7));
    Remove(sequence, Queue::kActive);
    report = ReportOf(session_.TakeOutgoing());
    ASSERT_TRUE(report);
    count_names(*report);
    follower_.Apply(*report);
    EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
  }
  for (const auto& [name, times] : sent) EXPECT_EQ(times, 1) << name;
  EXPECT_EQ(sent.size(), 9U);

  // A new epoch knows none of them.
  session_.OnMessage(SnapshotRequest());
  report = ReportOf(session_.TakeOutgoing());
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
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  Put(2, Queue::kActive, "r@next");
  const auto report = ReportOf(session_.TakeOutgoing());
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
  const auto report = ReportOf(session_.TakeOutgoing());
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
  const auto bytes = ReportBytes(session_.TakeOutgoing());
  Remove(1, Queue::kActive);
  model_.RenewNames();
  session_.OnNamesRenewed();
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  // Even then it is the same bytes that go out again.
  session_.OnDisconnected();
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_EQ(ReportBytes(session_.TakeOutgoing()), bytes);
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));
  EXPECT_FALSE(session_.UpToDate());
  const auto report = ReportOf(session_.TakeOutgoing());
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
  const auto report = ReportOf(session_.TakeOutgoing());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kSecondEpoch);
  follower_.Apply(*report);
  EXPECT_EQ(follower_.cells(), test::CellsOfModel(model_));
}

TEST_F(ReportSessionTest, HeartbeatsComeWhenNothingElseWasSentForTheirInterval) {
  ReportSnapshot();
  const int64_t sent = clock_.NowMilliseconds();
  EXPECT_EQ(session_.NextHeartbeatMilliseconds(), sent + 10'000);
  clock_.AdvanceMilliseconds(9'999);
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  clock_.AdvanceMilliseconds(1);
  const Messages messages = session_.TakeOutgoing();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_TRUE(messages[0].has_heartbeat());
  EXPECT_EQ(messages[0].clock_milliseconds(), sent + 10'000);
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  EXPECT_EQ(session_.NextHeartbeatMilliseconds(), sent + 20'000);

  // A report puts the next one off.
  clock_.AdvanceMilliseconds(6'000);
  Put(1, Queue::kActive, "r@one");
  ASSERT_TRUE(ReportOf(session_.TakeOutgoing()));
  clock_.AdvanceMilliseconds(9'000);
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  clock_.AdvanceMilliseconds(1'000);
  EXPECT_EQ(session_.TakeOutgoing().size(), 1U) << "also while a report is in flight";
  EXPECT_EQ(session_.counters().heartbeats, 2U);
}

TEST_F(ReportSessionTest, AClockThatIsSetBackDoesNotSilenceTheAgent) {
  ReportSnapshot();
  clock_.AdvanceSeconds(-86'400);
  const Messages messages = session_.TakeOutgoing();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_TRUE(messages[0].has_heartbeat());
  EXPECT_EQ(messages[0].clock_milliseconds(), clock_.NowMilliseconds());
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  clock_.AdvanceSeconds(10);
  EXPECT_EQ(session_.TakeOutgoing().size(), 1U);
}

TEST_F(ReportSessionTest, AQueueThatDoesNotChangeSendsNoCellsForAnHour) {
  for (int i = 0; i < 20; ++i) {
    Put(static_cast<ino_t>(i), Queue::kDeferred, "r@domain" + std::to_string(i));
  }
  ReportSnapshot();
  const uint64_t cells = session_.counters().cells;
  const uint64_t bytes = session_.counters().bytes;
  for (int second = 0; second < 3600; ++second) {
    clock_.AdvanceSeconds(1);
    // The agent looks at its queue every second, and finds it as it was.
    model_.BeginPass();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(model_.See(static_cast<ino_t>(i), {Queue::kDeferred, 1, 1}));
    }
    model_.EndPass({kAllQueues.begin(), kAllQueues.end()});
    for (const v1::AgentMessage& message : session_.TakeOutgoing()) {
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
    EXPECT_TRUE(session_.TakeOutgoing().empty());
  }
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionTest, AfterADisconnectItOpensWithHelloAgain) {
  ReportSnapshot();
  session_.OnDisconnected();
  EXPECT_FALSE(session_.UpToDate());
  EXPECT_FALSE(session_.NextHeartbeatMilliseconds());
  clock_.AdvanceSeconds(60);
  EXPECT_TRUE(session_.TakeOutgoing().empty());
  Open();
  session_.OnDisconnected();  // before the welcome
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_TRUE(session_.UpToDate());
}

}  // namespace
}  // namespace fleetqshape
