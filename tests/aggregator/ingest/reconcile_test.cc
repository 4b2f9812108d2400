#include "aggregator/ingest/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "aggregator/ingest/report_applier.h"
#include "aggregator/ingest/whole_state.h"
#include "tests/aggregator/ingest/memory_store.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"
#include "tests/support/sections.h"

namespace fleetqshape {
namespace {

using test::NamedCells;
using test::ReportWriter;

using State = std::shared_ptr<const RelayState>;

constexpr Queue kQueue = Queue::kDeferred;
constexpr Axis kAxis = Axis::kRecipientDomain;

class ReconcileTest : public ::testing::Test {
 protected:
  // The state after a report of this number, with a cell for each one up to it.
  State StateAt(uint64_t epoch, uint64_t sequence) {
    ReportWriter writer;
    NamedCells cells = {{kQueue, kAxis, "a", 1}};
    State state = Applied(EmptyRelayState(), writer.Snapshot(epoch, cells));
    for (uint64_t i = 2; i <= sequence; ++i) {
      cells.insert({kQueue, kAxis, "b" + std::to_string(i), static_cast<int64_t>(i)});
      state = Applied(state, writer.ReportTo(cells));
    }
    return state;
  }
  State Applied(const State& state, const v1::Report& report) {
    v1::PackedReport taken = test::Packed(report);
    auto applied = ApplyReport(1, *state, &taken, &fleet_.names());
    EXPECT_TRUE(applied.ok()) << applied.status();
    return applied.ok() ? applied->state : state;
  }
  void InMemory(RelayId id, const State& state) {
    const RelayIdentity identity{"eu", std::to_string(id), "postfix"};
    fleet_.Describe(
        id, std::make_shared<const RelayDescription>(RelayDescription{identity, {}, "0.1.0"}));
    if (state) fleet_.SetState(id, state);
  }
  void InStore(RelayId id, const State& state) {
    InMemory(id, state);
    ASSERT_TRUE(store_.Apply({WriteOfState(fleet_.View(id), fleet_.names())}).ok());
    store_.batches.clear();
    fleet_.Remove(id);
  }
  // OK, and how many differed.
  size_t Differed() {
    const auto done = Reconcile(fleet_, &store_);
    EXPECT_TRUE(done.ok()) << done.status();
    return done.ok() ? *done : ~size_t{0};
  }
  // Both say the same of the relay, and this.
  void ExpectBoth(RelayId id, const State& expected) {
    const RelayState& state = *fleet_.View(id).state;
    EXPECT_EQ(state.epoch, expected->epoch);
    EXPECT_EQ(state.sequence, expected->sequence);
    const NamedCells cells = test::CellsOfState(*expected, fleet_.names());
    EXPECT_EQ(test::CellsOfState(state, fleet_.names()), cells);
    ASSERT_TRUE(store_.relays.contains(id));
    const auto stored = StateOfLoaded(store_.relays.at(id), &fleet_.names());
    ASSERT_TRUE(stored.ok()) << stored.status();
    EXPECT_EQ((*stored)->epoch, expected->epoch);
    EXPECT_EQ((*stored)->sequence, expected->sequence);
    EXPECT_EQ(test::CellsOfState(**stored, fleet_.names()), cells);
  }

  Fleet fleet_;
  test::MemoryStore store_;
};

TEST_F(ReconcileTest, WhatIsTheSameIsLeftAlone) {
  InStore(1, StateAt(9, 2));
  InMemory(1, StateAt(9, 2));
  EXPECT_EQ(Differed(), 0U);
  EXPECT_TRUE(store_.batches.empty());
  ExpectBoth(1, StateAt(9, 2));
}

TEST_F(ReconcileTest, WhatTheStoreHasOtherwiseIsWrittenAgain) {
  InStore(1, StateAt(9, 1));  // older
  InMemory(1, StateAt(9, 2));
  InMemory(2, StateAt(9, 2));  // nothing
  InStore(3, StateAt(9, 3));   // newer: its write seemed to fail
  InMemory(3, StateAt(9, 2));
  InStore(4, StateAt(8, 2));  // another epoch
  InMemory(4, StateAt(9, 2));
  EXPECT_EQ(Differed(), 4U);
  for (RelayId id = 1; id <= 4; ++id) ExpectBoth(id, StateAt(9, 2));
}

TEST_F(ReconcileTest, AFirstReportWhoseWriteSeemedToFailIsTakenOut) {
  InStore(1, StateAt(9, 1));
  InMemory(1, nullptr);
  EXPECT_EQ(Differed(), 1U);
  EXPECT_FALSE(store_.relays.contains(1));
  EXPECT_EQ(fleet_.View(1).state->epoch, 0U);
}

TEST_F(ReconcileTest, ARelayWhoseRecordCannotBeReadIsWrittenAgainOrTakenOut) {
  for (RelayId id = 1; id <= 2; ++id) {
    InStore(id, StateAt(9, 2));
    store_.unreadable.insert(id);
  }
  InMemory(1, StateAt(9, 2));
  EXPECT_EQ(Differed(), 2U);
  ExpectBoth(1, StateAt(9, 2));
  EXPECT_FALSE(store_.relays.contains(2));
}

// It came upon damage, and was written anew without that, when all had been told.
TEST_F(ReconcileTest, WhatTheStoreLostWhileItWasReadIsWrittenAgain) {
  for (RelayId id = 1; id <= 3; ++id) {
    InStore(id, StateAt(9, 2));
    if (id != 3) InMemory(id, StateAt(9, 2));
  }
  store_.at_end_of_load = [this] {
    store_.relays.erase(1);
    store_.relays.erase(3);
  };
  EXPECT_EQ(Differed(), 1U);
  ExpectBoth(1, StateAt(9, 2));
  ExpectBoth(2, StateAt(9, 2));
  ASSERT_EQ(store_.batches.size(), 1U);
  EXPECT_EQ(store_.batches[0].size(), 1U) << "what is gone need not be taken out";
}

TEST_F(ReconcileTest, ARelayThatNobodyKnowsIsForgotten) {
  InStore(1, StateAt(9, 2));
  InMemory(2, StateAt(9, 1));
  EXPECT_EQ(Differed(), 2U);
  EXPECT_FALSE(store_.relays.contains(1));
  ExpectBoth(2, StateAt(9, 1));
  EXPECT_EQ(fleet_.Snapshot().size(), 1U);
}

TEST_F(ReconcileTest, ARelayThatNeverReportedNeedNotBeStoredButADamagedOneDoes) {
  InMemory(1, nullptr);
  const auto damaged = EmptyRelayState();
  damaged->damaged = true;
  InMemory(2, damaged);
  EXPECT_EQ(Differed(), 1U);
  EXPECT_FALSE(store_.relays.contains(1));
  ASSERT_TRUE(store_.relays.contains(2));
  EXPECT_TRUE(store_.relays.at(2).record.damaged());
  EXPECT_TRUE(fleet_.View(2).state->damaged);
}

TEST_F(ReconcileTest, AWholeFleetIsWrittenInParts) {
  for (RelayId id = 1; id <= 200; ++id) InMemory(id, StateAt(9, 1));
  EXPECT_EQ(Differed(), 200U);
  EXPECT_EQ(store_.relays.size(), 200U);
  EXPECT_GE(store_.batches.size(), 4U);
  for (const auto& batch : store_.batches) EXPECT_LE(batch.size(), 64U);
}

TEST_F(ReconcileTest, WhenTheStoreFailsAgainTheErrorIsToldAndTheNextTimeIsAsGood) {
  InStore(1, StateAt(9, 3));
  InMemory(1, StateAt(9, 2));
  InMemory(2, StateAt(9, 2));
  store_.load_result = absl::UnavailableError("an input/output error");
  EXPECT_EQ(Reconcile(fleet_, &store_).status().code(), absl::StatusCode::kUnavailable);
  store_.load_result = absl::OkStatus();
  store_.apply_result = absl::ResourceExhaustedError("the disk is full");
  EXPECT_EQ(Reconcile(fleet_, &store_).status().code(), absl::StatusCode::kResourceExhausted);
  store_.apply_result = absl::OkStatus();
  EXPECT_EQ(Differed(), 2U);
  ExpectBoth(1, StateAt(9, 2));
  ExpectBoth(2, StateAt(9, 2));
}

}  // namespace
}  // namespace fleetqshape
