// Batches of many reports.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/aggregator/ingest/engine_fixture.h"

namespace fleetqshape {
namespace {

constexpr int kRelays = 200;

class StagingTest : public EngineTest {
 protected:
  void SetUp() override { StartOn(&store_); }

  test::FakeStore store_;
};

TEST_F(StagingTest, EachReportOfALargeBatchGetsItsOwnOutcome) {
  const std::vector<RelayId> relays = ConnectSeveral(kRelays);
  std::vector<ReportWriter> writers(relays.size());
  const RelayId gate = Connect("gate").relay;
  std::vector<v1::Report> second(relays.size());
  for (size_t i = 0; i < relays.size(); ++i) {
    // Names that many relays bring, and some that only one does.
    NamedCells cells = OneCell(static_cast<int64_t>(i), "common");
    cells.insert({kQueue, kAxis, "n" + std::to_string(i / 2), 5});
    SubmitSound(relays[i], writers[i].Snapshot(1, cells));
    cells.insert({kQueue, kAxis, "new" + std::to_string(i % 7), 6});
    second[i] = writers[i].ReportTo(cells);
  }
  // Every fifth is of another digest, every seventh a duplicate, every eleventh says nothing.
  const auto is = [](size_t i, size_t nth) { return i % nth == 0; };
  store_.Close();
  ReportWriter gate_writer;
  const size_t before = store_.begun();
  const PendingOutcome held = Submit(gate, gate_writer.Snapshot(1, OneCell(1)));
  store_.WaitUntilBegun(before + 1);
  std::vector<PendingOutcome> outcomes;
  for (size_t i = 0; i < relays.size(); ++i) {
    v1::Report report = second[i];
    if (is(i, 11)) {
      report.clear_epoch();
    } else if (is(i, 7)) {
      report.set_sequence(1);
    } else if (is(i, 5)) {
      report.set_digest(report.digest() + 1);
    }
    outcomes.push_back(Submit(relays[i], report));
  }
  store_.Open();
  EXPECT_TRUE(held.Wait().ok());
  for (size_t i = 0; i < relays.size(); ++i) {
    SCOPED_TRACE(i);
    const IngestEngine::Outcome outcome = outcomes[i].Wait();
    if (is(i, 11)) {
      EXPECT_EQ(outcome.status().code(), absl::StatusCode::kInvalidArgument);
    } else if (is(i, 7)) {
      EXPECT_TRUE(IsAcknowledgement(outcome, 1, 1));
    } else if (is(i, 5)) {
      EXPECT_TRUE(IsSnapshotRequest(outcome));
    } else {
      EXPECT_TRUE(IsAcknowledgement(outcome, 1, 2));
      EXPECT_EQ(Cells(relays[i]), writers[i].cells());
    }
  }
  ASSERT_EQ(store_.begun(), before + 2) << "all of them were one batch";
  const auto counters = engine_->counters();
  EXPECT_EQ(counters.refused, counters.digest_mismatches);
  // Each relay's write is its own.
  const std::vector<RelayWrite> writes = store_.batches().back();
  for (const RelayWrite& write : writes) {
    EXPECT_EQ(write.record.host(), std::to_string(write.relay - relays[0]));
    EXPECT_EQ(write.record.digest(), fleet_->View(write.relay).state->digest);
  }
}

}  // namespace
}  // namespace fleetqshape
