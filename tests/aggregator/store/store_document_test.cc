// The examples of docs/store.md: what the reports of docs/wire.md leave in the database.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <memory>
#include <string>
#include <vector>

#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/store/database.h"
#include "aggregator/store/rocksdb_store.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/report.pb.h"
#include "fleetqshape/v1/store.pb.h"
#include "tests/support/document_examples.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sections.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using test::DocumentExamples;
using test::HexText;
using Entries = std::vector<DocumentExamples::Entry>;

class StoreDocumentTest : public ::testing::Test {
 protected:
  // The aggregator's clock is 250 ms behind the relay's.
  StoreDocumentTest() { clock_.AdvanceMilliseconds(-250); }

  // An aggregator starts, takes one of the document's reports from a relay that connects, and
  // stops.
  void Report(const std::string& name) {
    auto store = OpenRocksDbStore(directory_.path("store"));
    ASSERT_TRUE(store.ok()) << store.status();
    Fleet fleet;
    IngestEngine engine(store->get(), &fleet, &clock_, IngestEngine::Options());
    ASSERT_TRUE(engine.Load().ok());
    v1::AgentMessage hello;
    ASSERT_TRUE(hello.ParseFromString(wire_.Bytes("wire-hello")));
    const int64_t relay_clock = clock_.NowMilliseconds() + 250;
    const auto connection = engine.Connect(hello.hello(), "an agent:1", relay_clock);
    ASSERT_TRUE(connection.ok()) << connection.status();
    v1::Report report;
    ASSERT_TRUE(report.ParseFromString(wire_.Bytes(name)));
    EXPECT_EQ(connection->welcome.welcome().sequence(), report.sequence() - 1);
    bool acknowledged = false;
    engine.Submit(*connection, test::Packed(report), [&acknowledged](const auto& outcome) {
      acknowledged = outcome.ok() && outcome->has_acknowledgement();
    });
    engine.RunOnce();
    EXPECT_TRUE(acknowledged);
  }

  std::unique_ptr<Database> Look() const {
    auto opened = Database::OpenReadOnly(
        directory_.path("store/db"),
        {.env = rocksdb::Env::Default(), .write_buffer_bytes = 1 << 20, .max_log_bytes = 0});
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  // All of a family, as it is read.
  static Entries All(Database* database, Family family) {
    Entries entries;
    const std::unique_ptr<rocksdb::Iterator> entry(
        database->db().NewIterator(rocksdb::ReadOptions(), database->family(family)));
    for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
      entries.push_back({entry->key().ToString(), "value", entry->value().ToString()});
    }
    EXPECT_TRUE(entry->status().ok()) << entry->status().ToString();
    return entries;
  }
  // What is stored under a key of shapes before it is merged: a base, if there is one, and then
  // operands.
  static std::vector<std::string> Unmerged(Database* database, const std::string& key) {
    rocksdb::GetMergeOperandsOptions options;
    options.expected_max_number_of_operands = 8;
    std::vector<rocksdb::PinnableSlice> slices(8);
    int count = 0;
    const auto found = database->db().GetMergeOperands(
        rocksdb::ReadOptions(), database->family(kShapes), key, slices.data(), &options, &count);
    EXPECT_TRUE(found.ok()) << found.ToString();
    std::vector<std::string> values;
    for (int i = 0; i < count; ++i) {
      values.push_back(HexText(slices[static_cast<size_t>(i)].ToString()));
    }
    return values;
  }

  // In words that a person can compare.
  static std::vector<std::string> Text(const Entries& entries) {
    std::vector<std::string> text;
    for (const auto& [key, word, value] : entries) {
      text.push_back("key " + HexText(key) + word + " " + HexText(value));
    }
    return text;
  }
  std::vector<std::string> Example(const std::string& name) const {
    return Text(document_.Entries(name));
  }

  const DocumentExamples wire_{FLEETQSHAPE_DOCUMENTS "/wire.md"};
  const DocumentExamples document_{FLEETQSHAPE_DOCUMENTS "/store.md"};
  test::TemporaryDirectory directory_;
  test::ManualClock clock_{1767232740};
};

TEST_F(StoreDocumentTest, EachExampleIsTested) {
  EXPECT_THAT(document_.names(),
              ::testing::UnorderedElementsAre(
                  "hex store-format", "hex store-relays-1", "textproto store-relays-1",
                  "hex store-names-1", "hex store-shapes-1", "hex store-relays-2",
                  "hex store-names-2", "hex store-operands-2", "hex store-shapes-2"));
}

TEST_F(StoreDocumentTest, TheSnapshotAndTheDeltaAreStoredLikeThat) {
  Report("wire-snapshot");
  {
    const auto database = Look();
    ASSERT_NE(database, nullptr);
    EXPECT_EQ(Text(All(database.get(), kMeta)), Example("store-format"));
    EXPECT_EQ(Text(All(database.get(), kRelays)), Example("store-relays-1"));
    EXPECT_EQ(Text(All(database.get(), kNames)), Example("store-names-1"));
    EXPECT_EQ(Text(All(database.get(), kShapes)), Example("store-shapes-1"));
  }
  clock_.AdvanceSeconds(65);
  Report("wire-delta");
  const auto database = Look();
  ASSERT_NE(database, nullptr);
  EXPECT_EQ(Text(All(database.get(), kMeta)), Example("store-format"));
  EXPECT_EQ(Text(All(database.get(), kRelays)), Example("store-relays-2"));
  std::vector<std::string> names = Example("store-names-1");
  for (const std::string& more : Example("store-names-2")) names.push_back(more);
  EXPECT_EQ(Text(All(database.get(), kNames)), names);
  EXPECT_EQ(Text(All(database.get(), kShapes)), Example("store-shapes-2"));

  const Entries bases = document_.Entries("store-shapes-1");
  const Entries operands = document_.Entries("store-operands-2");
  ASSERT_EQ(bases.size(), operands.size());
  for (size_t i = 0; i < bases.size(); ++i) {
    EXPECT_EQ(operands[i].word, "merge");
    EXPECT_EQ(bases[i].key, operands[i].key);
    EXPECT_THAT(Unmerged(database.get(), operands[i].key),
                ::testing::ElementsAre(HexText(bases[i].value), HexText(operands[i].value)));
  }
}

TEST_F(StoreDocumentTest, ARecordDecodesToItsText) {
  v1::StoredRelay text;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      document_.Text("textproto", "store-relays-1"), &text));
  v1::StoredRelay record;
  ASSERT_TRUE(record.ParseFromString(document_.Entries("store-relays-1").at(0).value));
  EXPECT_EQ(record.DebugString(), text.DebugString());
}

}  // namespace
}  // namespace fleetqshape
