// The examples of docs/wire.md, as an agent makes them.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/report/report_session.h"
#include "agent/watch/queue_model.h"
#include "common/shape/cell_digest.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/report.pb.h"
#include "tests/support/document_examples.h"
#include "tests/support/envelope_maker.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_files.h"

// After protobuf's headers: XXH_INLINE_ALL is for this file alone.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fleetqshape {
namespace {

using test::DocumentExamples;
using test::HexText;

constexpr uint64_t kEpoch = 0x1122334455667788;
constexpr int64_t kFirst = 1767225600;  // 2026-01-01 00:00:00 UTC

v1::AggregatorMessage MessageOf(const std::string& bytes) {
  v1::AggregatorMessage message;
  EXPECT_TRUE(message.ParseFromString(bytes)) << HexText(bytes);
  return message;
}

// The relay of the document, from its hello to the acknowledgement of its snapshot.
class WireDocumentAgentTest : public ::testing::Test {
 protected:
  explicit WireDocumentAgentTest(size_t chunk_bytes = ReportSession::Options().chunk_bytes)
      : session_(Options(chunk_bytes), &model_, &clock_, [] { return kEpoch; }) {
    test::PutFile(1, Queue::kDeferred,
                  envelopes_.Make(kFirst, "a@here.example", {"b@gmail.com", "c@gmail.com"}),
                  &model_);
    test::PutFile(2, Queue::kDeferred,
                  envelopes_.Make(kFirst + 60, "a@here.example", {"d@gmail.com"}), &model_);
    test::PutFile(3, Queue::kActive,
                  envelopes_.Make(kFirst + 3600, "e@gmail.com", {"f@example.org"}), &model_);
    v1::PostfixSettings settings;
    settings.set_mail_version("3.7.11");
    settings.set_active_limit(20'000);
    session_.SetSettings(settings);
  }

  static ReportSession::Options Options(size_t chunk_bytes) {
    ReportSession::Options options;
    v1::Hello& hello = options.hello;
    hello.set_protocol_version(1);
    hello.set_cluster("eu");
    hello.set_host("gw1");
    hello.set_instance("postfix");
    v1::Label& role = *hello.add_labels();
    role.set_key("role");
    role.set_value("gateway");
    hello.set_agent_version("0.1.0");
    hello.set_agent_id(0x0102030405060708);
    options.chunk_bytes = chunk_bytes;
    return options;
  }

  // What is sent now: the bytes of each message.
  std::vector<std::string> Take() {
    std::vector<std::string> bytes;
    for (;;) {
      const auto messages = session_.TakeOutgoing();
      if (messages.empty()) return bytes;
      for (const auto& message : messages) bytes.push_back(message.SerializeAsString());
    }
  }
  // Takes the hello, and lets the aggregator answer as in the document.
  std::string Connect() {
    session_.OnConnected();
    const std::vector<std::string> hello = Take();
    session_.OnMessage(MessageOf(document_.Bytes("wire-welcome")));
    return hello.size() == 1 ? hello[0] : "";
  }
  // What happens in the queue until the delta.
  void ChangeQueue() {
    clock_.AdvanceSeconds(65);
    model_.Remove(test::PlaceIn(Queue::kDeferred), test::FileName(2));
    test::PutFile(1, Queue::kDeferred, envelopes_.Make(kFirst, "a@here.example", {"c@gmail.com"}),
                  &model_, 2);
    test::PutFile(3, Queue::kDeferred,
                  envelopes_.Make(kFirst + 3600, "e@gmail.com", {"f@example.org"}), &model_);
    test::PutFile(
        4, Queue::kActive,
        envelopes_.Make(kFirst + 7200, "a@here.example", {"g@new.example", "h@new.example"}),
        &model_);
    v1::FileCounts files;
    files.set_being_written(1);
    session_.SetFileCounts(files);
    session_.OnQueueSeen();
  }

  const DocumentExamples document_{FLEETQSHAPE_DOCUMENTS "/wire.md"};
  test::EnvelopeMaker envelopes_;
  test::ManualClock clock_{kFirst + 7140};
  QueueModel model_{
      [this](const Cell& cell, int64_t change) { session_.OnCellChange(cell, change); }};
  ReportSession session_;
};

class WireDocumentPiecesTest : public WireDocumentAgentTest {
 protected:
  WireDocumentPiecesTest() : WireDocumentAgentTest(128) {}
};

// A report that decodes to its text, and is made of it.
void ExpectText(const DocumentExamples& document, const std::string& name) {
  v1::Report report;
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(document.Text("textproto", name), &report));
  EXPECT_EQ(HexText(report.SerializeAsString()), HexText(document.Bytes(name)));
  v1::Report decoded;
  ASSERT_TRUE(decoded.ParseFromString(document.Bytes(name)));
  EXPECT_EQ(decoded.DebugString(), report.DebugString());
}

TEST_F(WireDocumentAgentTest, EachExampleIsTested) {
  EXPECT_THAT(
      document_.names(),
      ::testing::UnorderedElementsAre(
          "hex wire-hello", "hex wire-welcome", "textproto wire-snapshot", "hex wire-snapshot",
          "hex wire-snapshot-message", "hex wire-piece-1", "hex wire-piece-2", "hex wire-piece-3",
          "hex wire-acknowledgement", "textproto wire-delta", "hex wire-delta",
          "hex wire-delta-message", "hex wire-cell", "digest wire-names",
          "digest wire-snapshot-digest", "digest wire-delta-digest"));
}

TEST_F(WireDocumentAgentTest, ReportsDecodeToTheirText) {
  ExpectText(document_, "wire-snapshot");
  ExpectText(document_, "wire-delta");
}

TEST_F(WireDocumentAgentTest, AnAgentSendsTheSnapshotAndTheDelta) {
  EXPECT_EQ(HexText(Connect()), HexText(document_.Bytes("wire-hello")));
  const std::vector<std::string> snapshot = Take();
  ASSERT_EQ(snapshot.size(), 1U);
  EXPECT_EQ(HexText(snapshot[0]), HexText(document_.Bytes("wire-snapshot-message")));
  EXPECT_FALSE(session_.UpToDate());
  session_.OnMessage(MessageOf(document_.Bytes("wire-acknowledgement")));
  EXPECT_TRUE(session_.UpToDate());
  ChangeQueue();
  const std::vector<std::string> delta = Take();
  ASSERT_EQ(delta.size(), 1U);
  EXPECT_EQ(HexText(delta[0]), HexText(document_.Bytes("wire-delta-message")));
}

TEST_F(WireDocumentPiecesTest, ALongReportIsAnnouncedAndSentInPieces) {
  Connect();
  const std::vector<std::string> messages = Take();
  ASSERT_EQ(messages.size(), 3U);
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(HexText(messages[i]),
              HexText(document_.Bytes("wire-piece-" + std::to_string(i + 1))));
  }
}

// A number as 8 bytes, the low one first.
std::string EightBytes(uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i, number >>= 8) bytes.push_back(static_cast<char>(number & 0xff));
  return bytes;
}

uint64_t Xxh3(const std::string& bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

uint64_t HexNumber(const std::string& digits) { return std::stoull(digits, nullptr, 16); }

// A cell of the document's tables: queue, axis, name and arrival from words[at] on.
std::string CellBytes(const std::vector<std::string>& words, size_t at) {
  const uint64_t queue = words.at(at) == "active" ? 4 : words.at(at) == "deferred" ? 5 : 0;
  const uint64_t axis = words.at(at + 1) == "recipient" ? 1 : words.at(at + 1) == "sender" ? 2 : 0;
  return EightBytes(Xxh3(words.at(at + 2))) + EightBytes(std::stoull(words.at(at + 3))) +
         EightBytes(256 * queue + axis);
}

// Follows a table to its sum, by the definition and without the project's code.
uint64_t SumOf(const DocumentExamples& document, const std::string& name) {
  uint64_t sum = 0;
  bool ended = false;
  for (const auto& words : document.Table("digest", name)) {
    EXPECT_FALSE(ended) << "rows behind the sum";
    if (words[0] == "=") {
      EXPECT_EQ(sum, HexNumber(words.at(1)));
      ended = true;
    } else if (words[0] == "+" || words[0] == "-") {
      const uint64_t hash = Xxh3(CellBytes(words, 2));
      EXPECT_EQ(hash, HexNumber(words.at(1))) << words.at(4) << " " << words.at(5);
      sum += words[0] == "+" ? hash : -hash;
    } else {
      EXPECT_EQ(words.size(), 1U);
      sum += HexNumber(words[0]);
    }
  }
  EXPECT_TRUE(ended) << "no sum";
  return sum;
}

TEST_F(WireDocumentAgentTest, DigestsFollowFromTheirDefinition) {
  for (const auto& words : document_.Table("digest", "wire-names")) {
    ASSERT_EQ(words.size(), 2U);
    EXPECT_EQ(Xxh3(words[1]), HexNumber(words[0])) << words[1];
    EXPECT_EQ(NameHash(words[1]), HexNumber(words[0])) << words[1];
  }
  EXPECT_EQ(HexText(CellBytes({"deferred", "recipient", "gmail.com", "1767225600"}, 0)),
            HexText(document_.Bytes("wire-cell")));
  for (const std::string name : {"wire-snapshot", "wire-delta"}) {
    v1::Report report;
    ASSERT_TRUE(report.ParseFromString(document_.Bytes(name)));
    EXPECT_EQ(SumOf(document_, name + "-digest"), report.digest()) << name;
  }
  EXPECT_EQ(document_.Table("digest", "wire-delta-digest").front().at(0),
            document_.Table("digest", "wire-snapshot-digest").back().at(1));
  Connect();
  EXPECT_EQ(model_.digest(), SumOf(document_, "wire-snapshot-digest"));
  ChangeQueue();
  EXPECT_EQ(model_.digest(), SumOf(document_, "wire-delta-digest"));
}

}  // namespace
}  // namespace fleetqshape
