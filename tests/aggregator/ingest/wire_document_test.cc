// The examples of docs/wire.md, as an aggregator takes and answers them.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "aggregator/ingest/ingest_sessions.h"
#include "tests/aggregator/ingest/fake_store.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/document_examples.h"
#include "tests/support/manual_clock.h"

namespace fleetqshape {
namespace {

using test::HexText;

// Keeps what it is given.
class RecordingTransport final : public IngestSession::Transport {
 public:
  void Send(v1::AggregatorMessage message) override { sent.push_back(std::move(message)); }
  void ReadOn() override { ++reads; }
  void End(const absl::Status& status) override { end = status; }

  std::vector<v1::AggregatorMessage> sent;
  int reads = 0;
  absl::Status end;
};

class WireDocumentAggregatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(engine_.Load().ok());
    auto session = sessions_.Open("an agent:1", transport_);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }
  void TearDown() override { session_->OnClosed(); }

  // One of the document's messages comes; what is sent in reply, in hex.
  std::vector<std::string> Take(const std::string& name) {
    v1::AgentMessage message;
    EXPECT_TRUE(message.ParseFromString(document_.Bytes(name))) << name;
    transport_->sent.clear();
    session_->OnMessage(std::move(message));
    engine_.RunOnce();
    EXPECT_TRUE(transport_->end.ok()) << name << ": " << transport_->end;
    EXPECT_EQ(transport_->reads, ++reads_) << name;
    std::vector<std::string> answers;
    for (const auto& answer : transport_->sent) {
      answers.push_back(HexText(answer.SerializeAsString()));
    }
    return answers;
  }
  std::vector<std::string> Hex(const std::string& name) const {
    return {HexText(document_.Bytes(name))};
  }
  // What the relay has now, and what its digest has to be.
  void ExpectCells(const test::NamedCells& cells) {
    const RelayView view = fleet_.View(1);
    EXPECT_EQ(test::CellsOfState(*view.state, fleet_.names()), cells);
    EXPECT_EQ(view.state->digest, test::DigestOf(cells));
  }

  const test::DocumentExamples document_{FLEETQSHAPE_DOCUMENTS "/wire.md"};
  test::ManualClock clock_;
  test::FakeStore store_;
  Fleet fleet_;
  IngestEngine engine_{&store_, &fleet_, &clock_, IngestEngine::Options()};
  IngestSessions sessions_{&engine_, &clock_, IngestLimits()};
  std::shared_ptr<RecordingTransport> transport_ = std::make_shared<RecordingTransport>();
  std::shared_ptr<IngestSession> session_;
  int reads_ = 0;
};

constexpr Axis kRecipients = Axis::kRecipientDomain;
constexpr Axis kSenders = Axis::kSenderDomain;

test::NamedCells SnapshotCells() {
  return {
      {Queue::kActive, kRecipients, "example.org", 1767229200},
      {Queue::kActive, kSenders, "gmail.com", 1767229200},
      {Queue::kDeferred, kRecipients, "gmail.com", 1767225600},
      {Queue::kDeferred, kRecipients, "gmail.com", 1767225600},
      {Queue::kDeferred, kRecipients, "gmail.com", 1767225660},
      {Queue::kDeferred, kSenders, "here.example", 1767225600},
      {Queue::kDeferred, kSenders, "here.example", 1767225660},
  };
}

TEST_F(WireDocumentAggregatorTest, AnAggregatorWelcomesAppliesAndAcknowledges) {
  EXPECT_EQ(Take("wire-hello"), Hex("wire-welcome"));
  EXPECT_EQ(Take("wire-snapshot-message"), Hex("wire-acknowledgement"));
  ExpectCells(SnapshotCells());
  EXPECT_EQ(Take("wire-delta-message").size(), 1U);
  EXPECT_EQ(transport_->sent[0].acknowledgement().sequence(), 2U);
  ExpectCells({
      {Queue::kActive, kRecipients, "new.example", 1767232800},
      {Queue::kActive, kRecipients, "new.example", 1767232800},
      {Queue::kActive, kSenders, "here.example", 1767232800},
      {Queue::kDeferred, kRecipients, "gmail.com", 1767225600},
      {Queue::kDeferred, kRecipients, "example.org", 1767229200},
      {Queue::kDeferred, kSenders, "here.example", 1767225600},
      {Queue::kDeferred, kSenders, "gmail.com", 1767229200},
  });
}

TEST_F(WireDocumentAggregatorTest, PiecesMakeTheSameReport) {
  Take("wire-hello");
  EXPECT_TRUE(Take("wire-piece-1").empty());
  EXPECT_TRUE(Take("wire-piece-2").empty());
  EXPECT_EQ(Take("wire-piece-3"), Hex("wire-acknowledgement"));
  ExpectCells(SnapshotCells());
}

TEST_F(WireDocumentAggregatorTest, ADeltaThatDoesNotFollowIsAnsweredByARequestForASnapshot) {
  Take("wire-hello");
  Take("wire-delta-message");
  ASSERT_EQ(transport_->sent.size(), 1U);
  EXPECT_TRUE(transport_->sent[0].has_snapshot_request());
}

}  // namespace
}  // namespace fleetqshape
