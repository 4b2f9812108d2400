#include "aggregator/ingest/ingest_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/store/rocksdb_store.h"
#include "common/codec/section_codec.h"
#include "tests/aggregator/ingest/fake_store.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/aggregator/store/raw_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using test::HelloOf;
using test::NamedCells;
using test::PendingOutcome;
using test::ReportWriter;
using ::testing::HasSubstr;

constexpr Queue kQueue = Queue::kDeferred;
constexpr Axis kAxis = Axis::kRecipientDomain;

NamedCells OneCell(int64_t arrival, const std::string& name = "a") {
  return {{kQueue, kAxis, name, arrival}};
}

bool IsAcknowledgement(const IngestEngine::Outcome& outcome, uint64_t epoch, uint64_t sequence) {
  return outcome.ok() && outcome->has_acknowledgement() &&
         outcome->acknowledgement().epoch() == epoch &&
         outcome->acknowledgement().sequence() == sequence;
}

bool IsSnapshotRequest(const IngestEngine::Outcome& outcome) {
  return outcome.ok() && outcome->has_snapshot_request() &&
         !outcome->snapshot_request().reason().empty();
}

// What both kinds of tests do with an engine.
class EngineTest : public ::testing::Test {
 protected:
  void StartOn(Store* store) {
    fleet_ = std::make_unique<Fleet>();
    engine_ = std::make_unique<IngestEngine>(store, fleet_.get(), &clock_);
    const absl::Status started = engine_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  IngestEngine::Connection Connect(const std::string& host, int64_t ahead_milliseconds = 0) {
    auto connection = engine_->Connect(HelloOf(host), "peer of " + host,
                                       clock_.NowMilliseconds() + ahead_milliseconds);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return connection.ok() ? *connection : IngestEngine::Connection{};
  }
  PendingOutcome Submit(RelayId relay, const v1::Report& report) {
    PendingOutcome outcome;
    engine_->Submit(relay, report, outcome.Callback());
    return outcome;
  }
  IngestEngine::Outcome SubmitAndWait(RelayId relay, const v1::Report& report) {
    return Submit(relay, report).Wait();
  }
  void SubmitSound(RelayId relay, const v1::Report& report) {
    const auto outcome = SubmitAndWait(relay, report);
    EXPECT_TRUE(IsAcknowledgement(outcome, report.epoch(), report.sequence()))
        << outcome.status() << (outcome.ok() ? outcome->ShortDebugString() : "");
  }
  NamedCells Cells(RelayId relay) const {
    return test::CellsOfState(*fleet_->View(relay).state, fleet_->names());
  }

  test::ManualClock clock_;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<IngestEngine> engine_;
};

class IngestEngineTest : public EngineTest {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    auto store = OpenRocksDbStore(directory_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    StartOn(store_.get());
  }
  void CloseAll() {
    engine_.reset();
    fleet_.reset();
    store_.reset();
  }
  void Restart() {
    CloseAll();
    Open();
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
  ReportWriter writer_;
};

TEST_F(IngestEngineTest, AnUnknownRelayIsWelcomedWithNothing) {
  const auto connection = Connect("a");
  EXPECT_EQ(connection.welcome.welcome().epoch(), 0U);
  EXPECT_EQ(connection.welcome.welcome().sequence(), 0U);
  EXPECT_TRUE(connection.welcome.has_welcome());
}

TEST_F(IngestEngineTest, WhatIsAcknowledgedIsPartOfTheFleetAndOfTheNextWelcome) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, writer_.Snapshot(9, OneCell(1)));
  EXPECT_EQ(Cells(relay), OneCell(1));
  SubmitSound(relay, writer_.ReportTo(OneCell(2, "b")));
  EXPECT_EQ(Cells(relay), OneCell(2, "b"));
  engine_->Disconnect(relay);
  const auto again = Connect("a");
  EXPECT_EQ(again.relay, relay);
  EXPECT_EQ(again.welcome.welcome().epoch(), 9U);
  EXPECT_EQ(again.welcome.welcome().sequence(), 2U);
  EXPECT_EQ(engine_->counters().reports, 2U);
  EXPECT_EQ(engine_->counters().cells, 3U);
}

TEST_F(IngestEngineTest, ADuplicateIsAcknowledgedAgainAndNotAppliedTwice) {
  const RelayId relay = Connect("a").relay;
  const v1::Report snapshot = writer_.Snapshot(9, OneCell(1));
  SubmitSound(relay, snapshot);
  SubmitSound(relay, snapshot);
  NamedCells cells = OneCell(1);
  cells.insert(*OneCell(1).begin());
  const v1::Report delta = writer_.ReportTo(cells);  // once more would be three
  SubmitSound(relay, delta);
  const auto state = fleet_->View(relay).state;
  for (int i = 0; i < 3; ++i) SubmitSound(relay, delta);
  EXPECT_EQ(fleet_->View(relay).state, state) << "not even a new state";
  EXPECT_EQ(engine_->counters().reports, 2U);
  EXPECT_EQ(engine_->counters().duplicates, 4U);
  EXPECT_EQ(engine_->counters().batches, 2U);
  Restart();
  EXPECT_EQ(Cells(relay), cells) << "not on the disk either";
}

TEST_F(IngestEngineTest, WhatDoesNotFollowIsAnsweredWithASnapshotRequest) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, writer_.Snapshot(9, OneCell(1)));
  const v1::Report second = writer_.ReportTo(OneCell(2));
  const v1::Report third = writer_.ReportTo(OneCell(3));
  const v1::Report fourth = writer_.ReportTo(OneCell(4));
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, third))) << "a gap";
  v1::Report unknown_epoch = second;
  unknown_epoch.set_epoch(10);
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, unknown_epoch)));
  EXPECT_EQ(Cells(relay), OneCell(1));
  SubmitSound(relay, second);
  SubmitSound(relay, third);
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, second))) << "older than the last";
  EXPECT_EQ(Cells(relay), OneCell(3));
  SubmitSound(relay, fourth);
  EXPECT_EQ(engine_->counters().refused, 3U);
}

TEST_F(IngestEngineTest, AFirstReportMayOnlyBeASnapshot) {
  const RelayId relay = Connect("a").relay;
  writer_.Snapshot(9, OneCell(1));
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, writer_.ReportTo(OneCell(2)))));
  EXPECT_EQ(fleet_->View(relay).state->epoch, 0U);
}

TEST_F(IngestEngineTest, ASnapshotOfANewEpochIsTakenAtAnyTime) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, writer_.Snapshot(9, OneCell(1, "old")));
  SubmitSound(relay, writer_.Snapshot(10, OneCell(2, "new")));
  EXPECT_EQ(Cells(relay), OneCell(2, "new"));
  SubmitSound(relay, writer_.ReportTo(OneCell(3, "newer")));
  Restart();
  EXPECT_EQ(Cells(relay), OneCell(3, "newer"));
}

TEST_F(IngestEngineTest, AReportThatLeadsElsewhereIsRefusedAndASnapshotHeals) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, writer_.Snapshot(9, OneCell(1)));
  v1::Report wrong = writer_.ReportTo(OneCell(2));
  wrong.set_digest(wrong.digest() ^ 1);
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, wrong)));
  EXPECT_EQ(Cells(relay), OneCell(1));
  SubmitSound(relay, writer_.Snapshot(10, OneCell(2)));
  Restart();
  EXPECT_EQ(Cells(relay), OneCell(2));
}

TEST_F(IngestEngineTest, AReportWithoutAnEpochOrASequenceIsAnError) {
  const RelayId relay = Connect("a").relay;
  v1::Report report = writer_.Snapshot(9, OneCell(1));
  report.set_epoch(0);
  EXPECT_EQ(SubmitAndWait(relay, report).status().code(), absl::StatusCode::kInvalidArgument);
  report.set_epoch(9);
  report.set_sequence(0);
  EXPECT_EQ(SubmitAndWait(relay, report).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fleet_->View(relay).state->epoch, 0U);
}

TEST_F(IngestEngineTest, ARestartFromTheStoreGivesTheSameState) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(4); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    std::map<RelayId, ReportWriter> writers;
    for (int i = 0; i < 4; ++i) {
      v1::Hello hello = HelloOf("host" + std::to_string(i), "cluster" + std::to_string(seed));
      v1::Label* label = hello.add_labels();
      label->set_key("role");
      label->set_value("gateway");
      const auto connection = engine_->Connect(hello, "peer", clock_.NowMilliseconds() - 5000);
      ASSERT_TRUE(connection.ok()) << connection.status();
      writers[connection->relay];
    }
    uint64_t epoch = 0;
    for (int step = 0; step < 60; ++step) {
      clock_.AdvanceMilliseconds(random.Between(0, 1000));
      auto& [relay, writer] = *std::next(writers.begin(), random.Between(0, 3));
      const bool snapshot = writer.cells().empty() || random.OneIn(8);
      SubmitSound(relay, snapshot
                             ? writer.Snapshot(++epoch, test::RandomCells(random, 60))
                             : writer.ReportTo(test::ChangedCells(random, writer.cells(), 30)));
    }
    std::map<RelayId, RelayView> before;
    for (const RelayView& view : fleet_->Snapshot()) before[view.id] = view;
    Restart();
    EXPECT_EQ(fleet_->Snapshot().size(), before.size());
    for (const auto& [relay, writer] : writers) {
      const RelayView view = fleet_->View(relay);
      EXPECT_EQ(Cells(relay), writer.cells());
      EXPECT_EQ(view.state->epoch, before[relay].state->epoch);
      EXPECT_EQ(view.state->sequence, before[relay].state->sequence);
      EXPECT_EQ(view.state->digest, before[relay].state->digest);
      EXPECT_EQ(view.description->identity, before[relay].description->identity);
      EXPECT_EQ(view.description->labels, before[relay].description->labels);
      EXPECT_EQ(view.description->agent_version, "0.1.0");
      EXPECT_EQ(view.clock_offset_milliseconds, -5000);
      EXPECT_GT(view.heard_milliseconds, 0);
    }
  }
}

TEST_F(IngestEngineTest, AfterARestartReportsGoOnWhereTheyWere) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, writer_.Snapshot(9, OneCell(1)));
  const v1::Report second = writer_.ReportTo(OneCell(2, "b"));
  SubmitSound(relay, second);
  Restart();
  const auto connection = Connect("a");
  EXPECT_EQ(connection.relay, relay);
  EXPECT_EQ(connection.welcome.welcome().epoch(), 9U);
  EXPECT_EQ(connection.welcome.welcome().sequence(), 2U);
  SubmitSound(relay, second);
  EXPECT_EQ(engine_->counters().duplicates, 1U);
  SubmitSound(relay, writer_.ReportTo(OneCell(3, "c")));
  EXPECT_EQ(Cells(relay), OneCell(3, "c"));
}

TEST_F(IngestEngineTest, ARelaysNumberIsNotGivenAgain) {
  const RelayId first = Connect("a").relay;
  const RelayId second = Connect("b").relay;
  EXPECT_NE(first, second);
  ReportWriter other;
  SubmitSound(first, writer_.Snapshot(1, OneCell(1)));
  SubmitSound(second, other.Snapshot(2, OneCell(2)));
  Restart();
  const RelayId third = Connect("c").relay;
  EXPECT_NE(third, first);
  EXPECT_NE(third, second);
  EXPECT_EQ(Connect("b").relay, second);
  EXPECT_EQ(Connect("a").relay, first);
}

TEST_F(IngestEngineTest, ARelayWhoseStoredStateIsDamagedStartsFromNothing) {
  const std::vector<std::string> hosts = {"sound", "section", "names", "digest", "record", "loss"};
  std::map<std::string, RelayId> ids;
  std::map<std::string, ReportWriter> writers;
  uint64_t epoch = 0;
  for (const std::string& host : hosts) {
    ids[host] = Connect(host).relay;
    SubmitSound(ids[host], writers[host].Snapshot(++epoch, OneCell(1, "of " + host)));
  }
  CloseAll();
  {
    test::RawStore raw(directory_.path());
    raw.Put("shapes", test::ShapeKey(ids["section"], kQueue, kAxis), "\xff\xff");
    raw.Put("names", test::NamesKey(ids["names"], 0), "");
    v1::StoredRelay record;
    record.ParseFromString(raw.All("relays").at(test::RelayKey(ids["digest"])));
    record.set_digest(record.digest() + 1);
    raw.Put("relays", test::RelayKey(ids["digest"]), record.SerializeAsString());
    raw.Put("relays", test::RelayKey(ids["record"]), "\xff\xff");
    const Block never_there{{0}, {0, 1}, {99}};
    const auto merged = raw.db().Merge(
        rocksdb::WriteOptions(), raw.family("shapes"), test::ShapeKey(ids["loss"], kQueue, kAxis),
        EncodeSection(kQueue, kAxis, BlockDelta{Block(), never_there}).SerializeAsString());
    EXPECT_TRUE(merged.ok()) << merged.ToString();
  }
  Open();
  for (const std::string& host : hosts) {
    SCOPED_TRACE(host);
    const auto connection = Connect(host);
    const bool sound = host == "sound";
    EXPECT_EQ(connection.relay == ids[host], host != "record");
    EXPECT_EQ(connection.welcome.welcome().sequence(), sound ? 1U : 0U);
    EXPECT_EQ(connection.welcome.welcome().epoch() != 0, sound);
    EXPECT_EQ(Cells(connection.relay), sound ? OneCell(1, "of " + host) : NamedCells());
    if (sound) {
      SubmitSound(connection.relay, writers[host].ReportTo(OneCell(2, "again")));
    } else {
      SubmitSound(connection.relay, writers[host].Snapshot(++epoch, OneCell(2, "again")));
    }
  }
  Restart();
  for (const std::string& host : hosts) {
    SCOPED_TRACE(host);
    EXPECT_EQ(Cells(Connect(host).relay), OneCell(2, "again")) << "the snapshot healed it";
  }
}

// All that an agent sends is untrusted: a report that is taken must not stop what comes after it,
// of this relay or of another.
TEST_F(IngestEngineTest, ASnapshotThatLosesSomethingHarmsNobody) {
  const RelayId hostile = Connect("hostile").relay;
  const RelayId other = Connect("other").relay;
  ReportWriter other_writer;
  SubmitSound(other, other_writer.Snapshot(1, OneCell(1)));
  v1::Report report = writer_.Snapshot(2, OneCell(2));
  *report.mutable_sections(0) =
      EncodeSection(kQueue, kAxis, BlockDelta{Block{{0}, {0, 2}, {1, 2}}, Block{{0}, {0, 1}, {1}}});
  SubmitAndWait(hostile, report).status().IgnoreError();
  SubmitAndWait(hostile, writer_.ReportTo(OneCell(3))).status().IgnoreError();
  const uint64_t sequence = fleet_->View(hostile).state->sequence;
  CloseAll();
  auto store = OpenRocksDbStore(directory_.path());
  ASSERT_TRUE(store.ok()) << "one agent keeps the aggregator from starting: " << store.status();
  store_ = *std::move(store);
  StartOn(store_.get());
  EXPECT_EQ(Connect("hostile").welcome.welcome().sequence(), sequence)
      << "what was acknowledged is not there any more";
  Connect("other");
  SubmitSound(other, other_writer.ReportTo(OneCell(2)));
}

TEST_F(IngestEngineTest, ArrivalsAtTheEndsOfTimeHarmNobody) {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  const RelayId hostile = Connect("hostile").relay;
  const RelayId other = Connect("other").relay;
  ReportWriter other_writer;
  SubmitSound(other, other_writer.Snapshot(1, OneCell(1)));
  SubmitAndWait(hostile, writer_.Snapshot(2, OneCell(kFirst, "a"))).status().IgnoreError();
  NamedCells both = OneCell(kFirst, "a");
  both.insert({kQueue, kAxis, "b", kLast});
  SubmitAndWait(hostile, writer_.ReportTo(both)).status().IgnoreError();
  both.insert({kQueue, kAxis, "c", 5});
  SubmitAndWait(hostile, writer_.ReportTo(both)).status().IgnoreError();
  const uint64_t sequence = fleet_->View(hostile).state->sequence;
  CloseAll();
  auto store = OpenRocksDbStore(directory_.path());
  ASSERT_TRUE(store.ok()) << "one agent keeps the aggregator from starting: " << store.status();
  store_ = *std::move(store);
  StartOn(store_.get());
  EXPECT_EQ(Connect("hostile").welcome.welcome().sequence(), sequence)
      << "what was acknowledged is not there any more";
  Connect("other");
  SubmitSound(other, other_writer.ReportTo(OneCell(2)));
}

TEST_F(IngestEngineTest, SeveralThreadsReportForRelaysOfTheirOwn) {
  constexpr int kThreads = 4;
  std::vector<RelayId> relays;
  for (int i = 0; i < kThreads; ++i) relays.push_back(Connect(std::to_string(i)).relay);
  std::vector<NamedCells> expected(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i, relay = relays[static_cast<size_t>(i)]] {
      test::RandomSource random(static_cast<uint64_t>(i));
      ReportWriter writer;
      SubmitSound(relay, writer.Snapshot(1, test::RandomCells(random, 50)));
      for (int step = 0; step < 20; ++step) {
        engine_->Heard(relay, clock_.NowMilliseconds());
        SubmitSound(relay, writer.ReportTo(test::ChangedCells(random, writer.cells(), 20)));
        for (const RelayView& view : fleet_->Snapshot()) {
          ASSERT_EQ(test::DigestOf(test::CellsOfState(*view.state, fleet_->names())),
                    view.state->digest)
              << "a state is whole whenever it is looked at";
        }
      }
      expected[static_cast<size_t>(i)] = writer.cells();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(engine_->counters().reports, kThreads * 21U);
  Restart();
  for (size_t i = 0; i < kThreads; ++i) EXPECT_EQ(Cells(relays[i]), expected[i]);
}

// The engine alone, with a store that does as it is told.
class EngineOnFakeStoreTest : public EngineTest {
 protected:
  void SetUp() override { StartOn(&store_); }

  test::FakeStore store_;
};

TEST_F(EngineOnFakeStoreTest, NothingIsAcknowledgedOrSeenBeforeItIsOnTheDisk) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  store_.Close();
  PendingOutcome outcome;
  size_t ended = 0;
  engine_->Submit(relay, writer.Snapshot(9, OneCell(1)),
                  outcome.Callback([&] { ended = store_.ended(); }));
  store_.WaitUntilBegun(1);
  EXPECT_FALSE(outcome.HasCome());
  EXPECT_TRUE(Cells(relay).empty());
  EXPECT_EQ(fleet_->View(relay).state->epoch, 0U);
  EXPECT_EQ(engine_->counters().reports, 0U);
  store_.Open();
  EXPECT_TRUE(IsAcknowledgement(outcome.Wait(), 9, 1));
  EXPECT_EQ(ended, 1U);
  EXPECT_EQ(Cells(relay), OneCell(1));
}

TEST_F(EngineOnFakeStoreTest, WhatIsAcknowledgedIsSeenAtThatMoment) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  PendingOutcome outcome;
  NamedCells seen;
  engine_->Submit(relay, writer.Snapshot(9, OneCell(1)),
                  outcome.Callback([&] { seen = Cells(relay); }));
  outcome.Wait().status().IgnoreError();
  EXPECT_EQ(seen, OneCell(1));
}

TEST_F(EngineOnFakeStoreTest, ReportsOfManyRelaysGatherWhileABatchIsWritten) {
  std::vector<RelayId> relays;
  std::vector<ReportWriter> writers(10);
  for (int i = 0; i < 10; ++i) relays.push_back(Connect(std::to_string(i)).relay);
  store_.Close();
  std::vector<PendingOutcome> outcomes;
  outcomes.push_back(Submit(relays[0], writers[0].Snapshot(1, OneCell(0))));
  store_.WaitUntilBegun(1);
  for (size_t i = 1; i < 10; ++i) {
    outcomes.push_back(Submit(relays[i], writers[i].Snapshot(1, OneCell(static_cast<int64_t>(i)))));
  }
  store_.Open();
  for (const PendingOutcome& outcome : outcomes) {
    EXPECT_TRUE(IsAcknowledgement(outcome.Wait(), 1, 1));
  }
  ASSERT_EQ(store_.batches().size(), 2U);
  EXPECT_EQ(store_.batches()[0].size(), 1U);
  EXPECT_EQ(store_.batches()[1].size(), 9U);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(Cells(relays[i]), OneCell(static_cast<int64_t>(i)));
}

TEST_F(EngineOnFakeStoreTest, SeveralReportsOfOneRelayInABatchAreAppliedInTheirOrder) {
  const RelayId relay = Connect("a").relay;
  const RelayId other = Connect("b").relay;
  ReportWriter writer;
  ReportWriter other_writer;
  store_.Close();
  std::vector<PendingOutcome> outcomes;
  outcomes.push_back(Submit(other, other_writer.Snapshot(1, {})));
  store_.WaitUntilBegun(1);
  const v1::Report first = writer.Snapshot(9, OneCell(1));
  const v1::Report second = writer.ReportTo(OneCell(2));
  outcomes.push_back(Submit(relay, first));
  outcomes.push_back(Submit(relay, second));
  outcomes.push_back(Submit(other, other_writer.ReportTo(OneCell(7))));
  outcomes.push_back(Submit(relay, second));  // sent again over a new stream
  outcomes.push_back(Submit(relay, writer.ReportTo(OneCell(3))));
  store_.Open();
  EXPECT_TRUE(IsAcknowledgement(outcomes[1].Wait(), 9, 1));
  EXPECT_TRUE(IsAcknowledgement(outcomes[2].Wait(), 9, 2));
  EXPECT_TRUE(IsAcknowledgement(outcomes[3].Wait(), 1, 2));
  EXPECT_TRUE(IsAcknowledgement(outcomes[4].Wait(), 9, 2));
  EXPECT_TRUE(IsAcknowledgement(outcomes[5].Wait(), 9, 3));
  EXPECT_EQ(Cells(relay), OneCell(3));
  EXPECT_EQ(Cells(other), OneCell(7));
  EXPECT_EQ(engine_->counters().duplicates, 1U);
  for (const auto& batch : store_.batches()) {
    std::set<RelayId> in_batch;
    for (const RelayWrite& write : batch) {
      EXPECT_TRUE(in_batch.insert(write.relay).second) << "one report a relay and batch";
    }
  }
}

TEST_F(EngineOnFakeStoreTest, AReportThatCannotBeWrittenLeavesTheStateAsItWas) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  const v1::Report first = writer.Snapshot(9, OneCell(1));
  store_.AddResult(absl::ResourceExhaustedError("the disk is full"));
  EXPECT_EQ(SubmitAndWait(relay, first).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(fleet_->View(relay).state->epoch, 0U);
  SubmitSound(relay, first);

  const v1::Report second = writer.ReportTo(OneCell(2, "b"));
  const auto state = fleet_->View(relay).state;
  for (int i = 0; i < 3; ++i) {
    store_.AddResult(absl::UnavailableError("an input/output error"));
    EXPECT_EQ(SubmitAndWait(relay, second).status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(fleet_->View(relay).state, state);
    engine_->Disconnect(relay);
    EXPECT_EQ(Connect("a").welcome.welcome().sequence(), 1U);
  }
  SubmitSound(relay, second);
  EXPECT_EQ(Cells(relay), OneCell(2, "b"));
  EXPECT_EQ(engine_->counters().reports, 2U);
  EXPECT_EQ(engine_->counters().duplicates, 0U);
  ASSERT_EQ(store_.batches().size(), 2U);
  EXPECT_EQ(store_.batches()[1][0].first_name_id, 1U);
}

TEST_F(EngineOnFakeStoreTest, ABatchThatFailsFailsForAllItsReports) {
  std::vector<RelayId> relays;
  std::vector<ReportWriter> writers(4);
  for (int i = 0; i < 4; ++i) relays.push_back(Connect(std::to_string(i)).relay);
  store_.Close();
  const PendingOutcome first = Submit(relays[0], writers[0].Snapshot(1, OneCell(0)));
  store_.WaitUntilBegun(1);
  std::vector<v1::Report> reports;
  std::vector<PendingOutcome> outcomes;
  for (size_t i = 1; i < 4; ++i) {
    reports.push_back(writers[i].Snapshot(1, OneCell(1)));
    outcomes.push_back(Submit(relays[i], reports.back()));
  }
  store_.AddResult(absl::OkStatus());
  store_.AddResult(absl::ResourceExhaustedError("the disk is full"));
  store_.Open();
  EXPECT_TRUE(IsAcknowledgement(first.Wait(), 1, 1));
  for (const PendingOutcome& outcome : outcomes) {
    EXPECT_EQ(outcome.Wait().status().code(), absl::StatusCode::kResourceExhausted);
  }
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(fleet_->View(relays[i]).state->epoch, 0U);
    SubmitSound(relays[i], reports[i - 1]);
    EXPECT_EQ(Cells(relays[i]), OneCell(1));
  }
}

// Of a report that failed to be written nothing counts towards the next base.
TEST_F(EngineOnFakeStoreTest, AReportIsAppliedOnceThoughItsFirstWriteFailed) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  SubmitSound(relay, writer.Snapshot(9, {}));
  NamedCells cells;
  for (int i = 0; i < 100; ++i) {
    cells.insert({kQueue, kAxis, "a", 1});  // the same arrival again and again
    const v1::Report report = writer.ReportTo(cells);
    if (i % 2 == 0) {
      store_.AddResult(absl::UnavailableError("not now"));
      EXPECT_FALSE(SubmitAndWait(relay, report).ok());
    }
    SubmitSound(relay, report);
  }
  EXPECT_EQ(Cells(relay), cells);
}

TEST_F(EngineOnFakeStoreTest, TheRecordSaysWhoTheRelayIsAndWhenItWasHeard) {
  v1::Hello hello = HelloOf("a");
  v1::Label* label = hello.add_labels();
  label->set_key("role");
  label->set_value("gateway");
  const auto connection = engine_->Connect(hello, "peer", clock_.NowMilliseconds() + 3000);
  ASSERT_TRUE(connection.ok());
  ReportWriter writer;
  SubmitSound(connection->relay, writer.Snapshot(9, OneCell(1)));
  const v1::StoredRelay record = store_.batches()[0][0].record;
  EXPECT_EQ(record.cluster(), "eu");
  EXPECT_EQ(record.host(), "a");
  EXPECT_EQ(record.instance(), "postfix");
  ASSERT_EQ(record.labels_size(), 1);
  EXPECT_EQ(record.labels(0).value(), "gateway");
  EXPECT_EQ(record.agent_version(), "0.1.0");
  EXPECT_EQ(record.heard_milliseconds(), clock_.NowMilliseconds());
  EXPECT_EQ(record.clock_offset_milliseconds(), 3000);
  EXPECT_EQ(record.epoch(), 9U);
  EXPECT_EQ(record.sequence(), 1U);
  EXPECT_EQ(record.name_count(), 1U);
  EXPECT_EQ(record.digest(), test::DigestOf(OneCell(1)));
}

TEST_F(EngineOnFakeStoreTest, ASecondAgentForARelayIsRefusedWithBothPeersNamed) {
  const auto first = engine_->Connect(HelloOf("a"), "ipv4:10.0.0.1:5", clock_.NowMilliseconds());
  ASSERT_TRUE(first.ok());
  v1::Hello hello = HelloOf("a");
  hello.set_agent_version("another");
  const auto second = engine_->Connect(hello, "ipv4:10.0.0.2:6", clock_.NowMilliseconds() + 99'000);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("ipv4:10.0.0.1:5"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("ipv4:10.0.0.2:6"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("eu/a/postfix"));
  EXPECT_EQ(fleet_->View(first->relay).description->agent_version, "0.1.0");
  EXPECT_EQ(fleet_->View(first->relay).clock_offset_milliseconds, 0);

  engine_->Disconnect(first->relay);
  const auto third = engine_->Connect(hello, "ipv4:10.0.0.2:6", clock_.NowMilliseconds());
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->relay, first->relay);
  EXPECT_EQ(fleet_->View(first->relay).description->agent_version, "another");
}

TEST_F(EngineOnFakeStoreTest, RelaysDifferByClusterHostAndInstance) {
  std::set<RelayId> ids;
  for (const char* cluster : {"eu", "us"}) {
    for (const char* host : {"a", "b"}) {
      for (const char* instance : {"postfix", "postfix-out"}) {
        v1::Hello hello = HelloOf(host, cluster);
        hello.set_instance(instance);
        const auto connection = engine_->Connect(hello, "peer", 0);
        ASSERT_TRUE(connection.ok()) << connection.status();
        ids.insert(connection->relay);
      }
    }
  }
  EXPECT_EQ(ids.size(), 8U);
}

TEST_F(EngineOnFakeStoreTest, ABadHelloIsRefusedAndKnowsNoRelay) {
  const std::map<std::string, std::function<void(v1::Hello*)>> spoil = {
      {"version 0", [](auto* hello) { hello->set_protocol_version(0); }},
      {"version 2", [](auto* hello) { hello->set_protocol_version(2); }},
      {"no cluster", [](auto* hello) { hello->clear_cluster(); }},
      {"no host", [](auto* hello) { hello->clear_host(); }},
      {"no instance", [](auto* hello) { hello->clear_instance(); }},
      {"no agent version", [](auto* hello) { hello->clear_agent_version(); }},
      {"an escape sequence", [](auto* hello) { hello->set_host("a\x1b[2J"); }},
      {"a slash", [](auto* hello) { hello->set_cluster("eu/a"); }},
      {"a long name", [](auto* hello) { hello->set_host(std::string(254, 'a')); }},
      {"a bad label key", [](auto* hello) { hello->add_labels()->set_value("v"); }},
      {"a bad label value", [](auto* hello) { hello->add_labels()->set_key("k"); }},
      {"many labels",
       [](auto* hello) {
         for (int i = 0; i < 33; ++i) {
           hello->add_labels()->set_key("k" + std::to_string(i));
           hello->mutable_labels(i)->set_value("v");
         }
       }},
  };
  for (const auto& [what, change] : spoil) {
    SCOPED_TRACE(what);
    v1::Hello hello = HelloOf("a");
    change(&hello);
    const auto connection = engine_->Connect(hello, "peer", 0);
    EXPECT_EQ(connection.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(connection.status().message().empty());
  }
  EXPECT_TRUE(fleet_->Snapshot().empty());
}

TEST_F(EngineOnFakeStoreTest, EachMessageTellsThatTheRelayIsAliveAndHowItsClockStands) {
  const RelayId relay = Connect("a", 250).relay;
  EXPECT_EQ(fleet_->View(relay).heard_milliseconds, clock_.NowMilliseconds());
  EXPECT_EQ(fleet_->View(relay).clock_offset_milliseconds, 250);
  clock_.AdvanceSeconds(30);
  engine_->Heard(relay, clock_.NowMilliseconds() + 60'000);
  EXPECT_EQ(fleet_->View(relay).heard_milliseconds, clock_.NowMilliseconds());
  EXPECT_EQ(fleet_->View(relay).clock_offset_milliseconds, 60'000);
  engine_->Disconnect(relay);
  Connect("a", -5000);
  EXPECT_EQ(fleet_->View(relay).clock_offset_milliseconds, -5000) << "a new agent, a new clock";
}

// Whatever an agent says of its clock.
TEST_F(EngineOnFakeStoreTest, AnAbsurdRelayClockIsFarOffInItsOwnDirection) {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  const auto behind = engine_->Connect(HelloOf("behind"), "peer", kFirst);
  ASSERT_TRUE(behind.ok());
  EXPECT_LT(fleet_->View(behind->relay).clock_offset_milliseconds, 0);
  const auto ahead = engine_->Connect(HelloOf("ahead"), "peer", kLast);
  ASSERT_TRUE(ahead.ok());
  EXPECT_GT(fleet_->View(ahead->relay).clock_offset_milliseconds, 0);
}

TEST_F(EngineOnFakeStoreTest, AStoreThatCannotBeReadKeepsTheEngineFromStarting) {
  test::FakeStore broken;
  broken.SetLoadResult(absl::DataLossError("broken"));
  Fleet fleet;
  IngestEngine engine(&broken, &fleet, &clock_);
  EXPECT_EQ(engine.Start().code(), absl::StatusCode::kDataLoss);
}

// Waits until the thread sleeps in the kernel.
void WaitUntilAsleep(pid_t thread) {
  const auto deadline = std::chrono::steady_clock::now() + test::kPatience;
  char state = ' ';
  while (state != 'S' && std::chrono::steady_clock::now() < deadline) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string text;
    std::getline(file, text);
    const size_t name_end = text.rfind(')');
    if (name_end != std::string::npos && name_end + 2 < text.size()) state = text[name_end + 2];
    std::this_thread::yield();
  }
  EXPECT_EQ(state, 'S');
}

TEST_F(EngineOnFakeStoreTest, AStopWaitsForTheBatchBeingWrittenAndAnswersAllThatWaits) {
  std::vector<RelayId> relays;
  std::vector<ReportWriter> writers(4);
  for (int i = 0; i < 4; ++i) relays.push_back(Connect(std::to_string(i)).relay);
  store_.Close();
  const PendingOutcome being_written = Submit(relays[0], writers[0].Snapshot(1, OneCell(0)));
  store_.WaitUntilBegun(1);
  std::vector<PendingOutcome> waiting;
  for (size_t i = 1; i < 4; ++i) {
    waiting.push_back(Submit(relays[i], writers[i].Snapshot(1, OneCell(1))));
  }
  waiting.push_back(Submit(relays[0], writers[0].ReportTo(OneCell(1))));

  std::atomic<pid_t> stopper{0};
  std::thread stop([&] {
    stopper = static_cast<pid_t>(syscall(SYS_gettid));
    engine_.reset();  // sleeps once it has said that it is to stop
  });
  while (stopper == 0) std::this_thread::yield();
  WaitUntilAsleep(stopper);
  EXPECT_FALSE(being_written.HasCome());
  store_.Open();
  stop.join();
  ASSERT_TRUE(being_written.HasCome());
  EXPECT_TRUE(IsAcknowledgement(being_written.Wait(), 1, 1)) << "it is on the disk";
  EXPECT_EQ(Cells(relays[0]), OneCell(0));
  for (const PendingOutcome& outcome : waiting) {
    ASSERT_TRUE(outcome.HasCome());
    EXPECT_EQ(outcome.Wait().status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(store_.batches().size(), 1U);
}

TEST_F(EngineOnFakeStoreTest, AnEngineThatHasNothingToDoStopsAtOnce) {
  engine_.reset();
  EXPECT_EQ(store_.begun(), 0U);
}

}  // namespace
}  // namespace fleetqshape
