#include "aggregator/ingest/whole_state.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "aggregator/ingest/report_applier.h"
#include "tests/aggregator/ingest/memory_store.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"
#include "tests/support/sections.h"

namespace fleetqshape {
namespace {

using test::NamedCells;
using test::ReportWriter;

class WholeStateTest : public ::testing::Test {
 protected:
  std::shared_ptr<const RelayState> StateOf(ReportWriter* writer, const NamedCells& cells,
                                            uint64_t epoch) {
    return Applied(*EmptyRelayState(), writer->Snapshot(epoch, cells));
  }
  std::shared_ptr<const RelayState> Applied(const RelayState& state, const v1::Report& report) {
    v1::PackedReport taken = test::Packed(report);
    auto applied = ApplyReport(7, state, &taken, &names_);
    EXPECT_TRUE(applied.ok()) << applied.status();
    return applied.ok() ? applied->state : EmptyRelayState();
  }
  RelayView ViewOf(std::shared_ptr<const RelayState> state) {
    RelayDescription description{{"eu", "a", "postfix"}, {{"role", "gateway"}}, "0.1.0"};
    RelayView view{7,
                   std::make_shared<const RelayDescription>(description),
                   std::move(state),
                   {5000, 100},
                   -3,
                   true};
    return view;
  }

  FleetNames names_;
  ReportWriter writer_;
};

// Names have other ids in another epoch.
TEST_F(WholeStateTest, StatesDifferByWhatOneHasAndTheOtherHasNot) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(50); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    const NamedCells old_cells = test::RandomCells(random, 60, 6);
    const NamedCells new_cells = random.OneIn(5) ? test::RandomCells(random, 60, 6)
                                                 : test::ChangedCells(random, old_cells, 20);
    ReportWriter other;
    const auto before = StateOf(&writer_, old_cells, 1);
    const auto after = StateOf(&other, new_cells, 2);
    const StateDifference difference = CompareStates(*before, *after);
    EXPECT_EQ(difference.gained, test::Without(new_cells, old_cells).size());
    EXPECT_EQ(difference.lost, test::Without(old_cells, new_cells).size());
    const StateDifference none = CompareStates(*after, *after);
    EXPECT_EQ(none.gained + none.lost, 0U);
  }
}

TEST_F(WholeStateTest, WhatIsWrittenAnewIsTheStateThatWas) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(30); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    auto state = StateOf(&writer_, test::RandomCells(random, 60), seed);
    for (int i = 0; i < 3; ++i) {
      v1::Report report = writer_.ReportTo(test::ChangedCells(random, writer_.cells(), 20));
      report.mutable_settings()->set_active_limit(20'000 + seed);
      report.mutable_files()->set_damaged(seed);
      state = Applied(*state, report);
    }
    test::MemoryStore store;
    ASSERT_TRUE(store.Apply({WriteOfState(ViewOf(state), names_)}).ok());
    FleetNames names;  // after a restart
    const auto loaded = StateOfLoaded(store.relays.at(7), &names);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(test::CellsOfState(**loaded, names), writer_.cells());
    EXPECT_EQ((*loaded)->epoch, seed);
    EXPECT_EQ((*loaded)->sequence, 4U);
    EXPECT_EQ((*loaded)->digest, state->digest);
    EXPECT_EQ((*loaded)->names.size(), state->names.size()) << "ids stay the same";
    EXPECT_EQ((*loaded)->settings->active_limit(), 20'000 + seed);
    EXPECT_EQ((*loaded)->files->damaged(), seed);
  }
}

TEST_F(WholeStateTest, ARecordAloneTouchesNothingElse) {
  const auto state = StateOf(&writer_, {{Queue::kHold, Axis::kSenderDomain, "a", 1}}, 9);
  const RelayWrite write = WriteOfRecord(ViewOf(state));
  EXPECT_EQ(write.relay, 7U);
  EXPECT_FALSE(write.forget);
  EXPECT_FALSE(write.forget_names);
  EXPECT_EQ(write.names.names_size(), 0);
  EXPECT_TRUE(write.sections.empty());
  EXPECT_EQ(write.record.host(), "a");
  EXPECT_EQ(write.record.labels(0).value(), "gateway");
  EXPECT_EQ(write.record.heard_milliseconds(), 5000);
  EXPECT_EQ(write.record.clock_offset_milliseconds(), -3);
  EXPECT_EQ(write.record.epoch(), 9U);
  EXPECT_EQ(write.record.sequence(), 1U);
  EXPECT_EQ(write.record.digest(), state->digest);
  EXPECT_EQ(write.record.name_count(), 1U);
  EXPECT_FALSE(write.record.damaged());
}

}  // namespace
}  // namespace fleetqshape
