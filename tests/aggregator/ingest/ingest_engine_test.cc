#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/codec/section_codec.h"
#include "tests/aggregator/ingest/rocksdb_engine_fixture.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/aggregator/store/raw_store.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"
#include "tests/support/sections.h"

namespace fleetqshape {
namespace {

class IngestEngineTest : public RocksDbEngineTest {
 protected:
  void Begin(Store* store) override { StartOn(store); }

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
  Disconnect(relay);
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

// Nothing but the numbers tells that these do not follow: each would lead to the digest that it
// says.
TEST_F(IngestEngineTest, AGapIsNoticedEvenIfNothingWasMissed) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, writer_.Snapshot(9, OneCell(1)));
  const v1::Report second = writer_.ReportTo(OneCell(1));
  const v1::Report third = writer_.ReportTo(OneCell(1));
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, third)));
  v1::Report unknown_epoch = second;
  unknown_epoch.set_epoch(10);
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, unknown_epoch)));
  SubmitSound(relay, second);
  SubmitSound(relay, third);
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
      connections_[connection->relay] = *connection;
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
      EXPECT_GT(view.heard.wall_milliseconds, 0);
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
    test::RawStore raw(directory_.path("db"));
    raw.Put("shapes", test::ShapeKey(ids["section"], kQueue, kAxis), "\xff\xff");
    raw.Put("names", test::NamesKey(ids["names"], 0), "");
    v1::StoredRelay record;
    record.ParseFromString(raw.All("relays").at(test::RelayKey(ids["digest"])));
    record.set_digest(record.digest() + 1);
    raw.Put("relays", test::RelayKey(ids["digest"]), record.SerializeAsString());
    raw.Put("relays", test::RelayKey(ids["record"]), "\xff\xff");
    const Block never_there{{0}, {0, 1}, {99}};
    raw.Merge("shapes", test::ShapeKey(ids["loss"], kQueue, kAxis),
              EncodeSection(kQueue, kAxis, BlockDelta{Block(), never_there}));
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

// Where a table file with the end of a relay was lost, what was stored before is back.
TEST_F(IngestEngineTest, ARelayThatIsStoredTwiceCountsOnce) {
  for (const bool last_is_later : {false, true}) {
    const std::string host = last_is_later ? "a" : "b";
    std::vector<RelayWrite> writes(2);
    for (size_t i = 0; i < writes.size(); ++i) {
      const bool is_later = last_is_later == (i == 1);
      writes[i].relay = static_cast<RelayId>(last_is_later ? 50 + i : 60 + i);
      writes[i].record.set_cluster(HelloOf(host).cluster());
      writes[i].record.set_host(host);
      writes[i].record.set_instance(HelloOf(host).instance());
      writes[i].record.set_epoch(is_later ? 8 : 9);
      writes[i].record.set_sequence(1);
      writes[i].record.set_heard_milliseconds(clock_.NowMilliseconds() - (is_later ? 1 : 2));
    }
    ASSERT_TRUE(store_->Apply(writes).ok());
    Restart();
    size_t count = 0;
    for (const RelayView& view : fleet_->Snapshot()) {
      count += view.description->identity.host == host ? 1 : 0;
    }
    EXPECT_EQ(count, 1U);
    const auto connection = Connect(host);
    EXPECT_EQ(connection.welcome.welcome().epoch(), 8U);
    SubmitSound(connection.relay, ReportWriter().Snapshot(10, OneCell(1)));
    Restart();
    EXPECT_EQ(Cells(connection.relay), OneCell(1));
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
  *report.mutable_sections(0) = test::SectionOf(EncodeSection(
      kQueue, kAxis, BlockDelta{Block{{0}, {0, 2}, {1, 2}}, Block{{0}, {0, 1}, {1}}}));
  SubmitAndWait(hostile, report).status().IgnoreError();
  SubmitAndWait(hostile, writer_.ReportTo(OneCell(3))).status().IgnoreError();
  const uint64_t sequence = fleet_->View(hostile).state->sequence;
  ASSERT_NO_FATAL_FAILURE(Restart()) << "one agent keeps the aggregator from starting";
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
  ASSERT_NO_FATAL_FAILURE(Restart()) << "one agent keeps the aggregator from starting";
  EXPECT_EQ(Connect("hostile").welcome.welcome().sequence(), sequence)
      << "what was acknowledged is not there any more";
  Connect("other");
  SubmitSound(other, other_writer.ReportTo(OneCell(2)));
}

TEST_F(IngestEngineTest, SeveralThreadsReportForRelaysOfTheirOwn) {
  constexpr int kThreads = 4;
  const std::vector<RelayId> relays = ConnectSeveral(kThreads);
  std::vector<NamedCells> expected(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i, relay = relays[static_cast<size_t>(i)]] {
      test::RandomSource random(static_cast<uint64_t>(i));
      ReportWriter writer;
      SubmitSound(relay, writer.Snapshot(1, test::RandomCells(random, 50)));
      for (int step = 0; step < 20; ++step) {
        engine_->Heard(ConnectionOf(relay), clock_.NowMilliseconds());
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

}  // namespace
}  // namespace fleetqshape
