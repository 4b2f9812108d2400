#include "aggregator/ingest/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/ingest/report_applier.h"
#include "aggregator/ingest/whole_state.h"
#include "tests/aggregator/ingest/memory_store.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"

namespace fleetqshape {
namespace {

using test::NamedCells;
using test::ReportWriter;

using Uncertain = std::map<RelayId, std::pair<uint64_t, uint64_t>>;
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
    v1::Report taken = report;
    auto applied = ApplyReport(1, *state, OperandBytes(), &taken, &fleet_.names());
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
  // OK, and how many landed and were rewritten.
  std::pair<size_t, size_t> Counts(const Uncertain& uncertain) {
    const auto done = Reconcile(uncertain, &store_, &fleet_);
    EXPECT_TRUE(done.ok()) << done.status();
    return done.ok() ? std::pair{done->landed, done->rewritten} : std::pair{~0UL, ~0UL};
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

using Pair = std::pair<size_t, size_t>;

TEST_F(ReconcileTest, WhatIsTheSameIsLeftAlone) {
  InStore(1, StateAt(9, 2));
  InMemory(1, StateAt(9, 2));
  EXPECT_EQ(Counts({{1, {9, 3}}}), Pair(0, 0));
  EXPECT_TRUE(store_.batches.empty());
  ExpectBoth(1, StateAt(9, 2));
}

TEST_F(ReconcileTest, ABatchThatLandedIsTakenOver) {
  InStore(1, StateAt(9, 3));
  InMemory(1, StateAt(9, 2));
  InStore(2, StateAt(10, 1));  // another epoch
  InMemory(2, StateAt(9, 7));
  InStore(3, StateAt(9, 1));  // its first report
  InMemory(3, nullptr);
  EXPECT_EQ(Counts({{1, {9, 3}}, {2, {10, 1}}, {3, {9, 1}}}), Pair(3, 0));
  EXPECT_TRUE(store_.batches.empty());
  ExpectBoth(1, StateAt(9, 3));
  ExpectBoth(2, StateAt(10, 1));
  ExpectBoth(3, StateAt(9, 1));
}

TEST_F(ReconcileTest, WhatTheStoreHasNotIsWrittenAgain) {
  InStore(1, StateAt(9, 1));  // older
  InMemory(1, StateAt(9, 2));
  InMemory(2, StateAt(9, 2));  // nothing
  InStore(3, StateAt(9, 4));   // newer, but not what was tried
  InMemory(3, StateAt(9, 2));
  InStore(4, StateAt(8, 3));  // the number of what was tried, in another epoch
  InMemory(4, StateAt(9, 2));
  InStore(5, StateAt(9, 3));  // tried for another relay
  InMemory(5, StateAt(9, 2));
  EXPECT_EQ(Counts({{1, {9, 3}}, {3, {9, 3}}, {4, {9, 3}}}), Pair(0, 5));
  for (RelayId id = 1; id <= 5; ++id) ExpectBoth(id, StateAt(9, 2));
}

TEST_F(ReconcileTest, WhatLandedDamagedIsNotTakenOver) {
  InStore(1, StateAt(9, 3));
  InMemory(1, StateAt(9, 2));
  store_.damaged.insert(1);
  InStore(2, StateAt(9, 3));
  InMemory(2, StateAt(9, 2));
  store_.relays.at(2).record.set_digest(0);
  InStore(3, StateAt(9, 3));
  InMemory(3, StateAt(9, 2));
  store_.unreadable.insert(3);
  EXPECT_EQ(Counts({{1, {9, 3}}, {2, {9, 3}}, {3, {9, 3}}}), Pair(0, 3));
  for (RelayId id = 1; id <= 3; ++id) ExpectBoth(id, StateAt(9, 2));
}

TEST_F(ReconcileTest, ARelayThatNobodyKnowsIsForgotten) {
  InStore(1, StateAt(9, 2));
  InMemory(2, StateAt(9, 1));
  EXPECT_EQ(Counts({}), Pair(0, 1));
  EXPECT_FALSE(store_.relays.contains(1));
  ExpectBoth(2, StateAt(9, 1));
  EXPECT_EQ(fleet_.Snapshot().size(), 1U);
}

TEST_F(ReconcileTest, ARelayThatNeverReportedNeedNotBeStoredButADamagedOneDoes) {
  InMemory(1, nullptr);
  const auto damaged = EmptyRelayState();
  damaged->damaged = true;
  InMemory(2, damaged);
  EXPECT_EQ(Counts({}), Pair(0, 1));
  EXPECT_FALSE(store_.relays.contains(1));
  ASSERT_TRUE(store_.relays.contains(2));
  EXPECT_TRUE(store_.relays.at(2).record.damaged());
  EXPECT_TRUE(fleet_.View(2).state->damaged);
}

TEST_F(ReconcileTest, AWholeFleetIsWrittenInParts) {
  for (RelayId id = 1; id <= 200; ++id) InMemory(id, StateAt(9, 1));
  EXPECT_EQ(Counts({}), Pair(0, 200));
  EXPECT_EQ(store_.relays.size(), 200U);
  EXPECT_GE(store_.batches.size(), 4U);
  for (const auto& batch : store_.batches) EXPECT_LE(batch.size(), 64U);
}

TEST_F(ReconcileTest, WhenTheStoreFailsAgainTheErrorIsToldAndTheNextTimeIsAsGood) {
  InStore(1, StateAt(9, 3));
  InMemory(1, StateAt(9, 2));
  InMemory(2, StateAt(9, 2));
  const Uncertain uncertain = {{1, {9, 3}}, {2, {9, 3}}};
  store_.load_result = absl::UnavailableError("an input/output error");
  EXPECT_EQ(Reconcile(uncertain, &store_, &fleet_).status().code(), absl::StatusCode::kUnavailable);
  store_.load_result = absl::OkStatus();
  store_.apply_result = absl::ResourceExhaustedError("the disk is full");
  EXPECT_EQ(Reconcile(uncertain, &store_, &fleet_).status().code(),
            absl::StatusCode::kResourceExhausted);
  store_.apply_result = absl::OkStatus();
  EXPECT_EQ(Counts(uncertain), Pair(0, 1));
  ExpectBoth(1, StateAt(9, 3));
  ExpectBoth(2, StateAt(9, 2));
}

}  // namespace
}  // namespace fleetqshape
