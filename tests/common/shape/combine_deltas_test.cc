// CombineDeltas.

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "common/shape/block.h"
#include "tests/common/shape/plain_cells.h"

namespace fleetqshape {
namespace {

using test::Applied;
using test::BlockOf;
using test::Cells;
using test::CellsOf;
using test::DeltaOf;
using test::kMax64;
using test::kMin64;
using test::kTooLate;
using test::RandomBlocks;

TEST(CombineDeltasTest, WhatComesAndGoesCancelsOut) {
  const BlockDelta combined =
      CombineDeltas(DeltaOf({{1, {5, 5, 6}}}, {{2, {7}}}), DeltaOf({{2, {7, 8}}}, {{1, {5}}}));
  EXPECT_EQ(combined.gained, BlockOf({{1, {5, 6}}, {2, {8}}}));
  EXPECT_EQ(combined.lost, Block());
  EXPECT_TRUE(CombineDeltas(DeltaOf({{1, {5}}}, {}), DeltaOf({}, {{1, {5}}})).empty());
}

TEST(CombineDeltasTest, NothingBeforeOrBehindChangesNothing) {
  const BlockDelta delta = DeltaOf({{1, {5, 5}}, {3, {1}}}, {{2, {7}}, {3, {2}}});
  for (const BlockDelta& combined :
       {CombineDeltas(delta, BlockDelta()), CombineDeltas(BlockDelta(), delta)}) {
    EXPECT_EQ(combined.gained, delta.gained);
    EXPECT_EQ(combined.lost, delta.lost);
  }
}

TEST(CombineDeltasTest, AnyPartMayHaveArrivalsBeyond32Bits) {
  const BlockDelta delta = DeltaOf({{1, {0, 7}}}, {{2, {kTooLate - 1}}});
  for (const int64_t odd : {int64_t{-1}, kTooLate, kMin64, kMax64}) {
    SCOPED_TRACE(odd);
    const BlockDelta gains = CombineDeltas(delta, DeltaOf({{2, {odd}}}, {}));
    EXPECT_EQ(gains.gained, BlockOf({{1, {0, 7}}, {2, {odd}}}));
    EXPECT_EQ(gains.lost, delta.lost);
    const BlockDelta loses = CombineDeltas(DeltaOf({}, {{1, {odd}}}), delta);
    EXPECT_EQ(loses.gained, delta.gained);
    EXPECT_EQ(loses.lost, BlockOf({{1, {odd}}, {2, {kTooLate - 1}}}));
    // And when it is gone, all takes 4 bytes again.
    const BlockDelta neither = CombineDeltas(gains, DeltaOf({}, {{2, {odd}}}));
    EXPECT_EQ(neither.gained, delta.gained);
    EXPECT_TRUE(neither.gained.arrivals.narrow());
  }
}

TEST(CombineDeltasTest, ACombinedDeltaDoesWhatBothDo) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomBlocks blocks(seed);
  for (int round = 0; round < 3000; ++round) {
    Cells state = blocks.Some();
    const Block base = BlockOf(state);
    const BlockDelta first = blocks.Change(&state);
    const BlockDelta second = blocks.Change(&state);
    const BlockDelta combined = CombineDeltas(first, second);
    ASSERT_EQ(Applied(base, combined), Applied(Applied(base, first), second)) << round;
    ASSERT_EQ(CellsOf(Applied(base, combined)), state) << round;
    // What is gained is not lost as well.
    const Cells gained = CellsOf(combined.gained);
    for (const auto& [name, arrivals] : CellsOf(combined.lost)) {
      const auto other = gained.find(name);
      if (other == gained.end()) continue;
      for (const int64_t arrival : arrivals) ASSERT_EQ(other->second.count(arrival), 0U) << round;
    }
  }
}

TEST(CombineDeltasTest, ManyDeltasCombineAsTwoAndTwoDo) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomBlocks blocks(seed);
  for (size_t count = 1; count < 20; ++count) {
    Cells state = blocks.Some();
    const Block base = BlockOf(state);
    std::vector<BlockDelta> deltas;
    BlockDelta one_by_one;
    for (size_t i = 0; i < count; ++i) {
      deltas.push_back(blocks.Change(&state));
      one_by_one = CombineDeltas(one_by_one, deltas.back());
    }
    const BlockDelta combined = CombineDeltas(deltas);
    ASSERT_EQ(CellsOf(Applied(base, combined)), state) << count;
    if (count == 1) continue;  // a delta alone may both gain and lose an arrival
    ASSERT_EQ(combined.gained, one_by_one.gained) << count;
    ASSERT_EQ(combined.lost, one_by_one.lost) << count;
  }
  EXPECT_TRUE(CombineDeltas({}).empty());
}

// RocksDB combines operands in any grouping.
TEST(CombineDeltasTest, CombiningIsAssociative) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomBlocks blocks(seed);
  for (int round = 0; round < 3000; ++round) {
    Cells state = blocks.Some();
    const BlockDelta a = blocks.Change(&state);
    const BlockDelta b = blocks.Change(&state);
    const BlockDelta c = blocks.Change(&state);
    const BlockDelta left = CombineDeltas(CombineDeltas(a, b), c);
    const BlockDelta right = CombineDeltas(a, CombineDeltas(b, c));
    ASSERT_EQ(left.gained, right.gained) << round;
    ASSERT_EQ(left.lost, right.lost) << round;
  }
}

}  // namespace
}  // namespace fleetqshape
