// ApplyDelta.

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "common/shape/block.h"
#include "tests/common/shape/plain_cells.h"

namespace fleetqshape {
namespace {

using test::Applied;
using test::BlockOf;
using test::Cells;
using test::CellsOf;
using test::CodeOfApplying;
using test::DeltaOf;
using test::ExpectLittleSpare;
using test::kMax64;
using test::kMin64;
using test::kTooLate;
using test::RandomBlocks;

TEST(ApplyDeltaTest, GainsAreSortedIn) {
  EXPECT_EQ(
      Applied(BlockOf({{2, {10, 30}}, {5, {1}}}), DeltaOf({{1, {7}}, {2, {20, 30}}, {9, {4}}}, {})),
      BlockOf({{1, {7}}, {2, {10, 20, 30, 30}}, {5, {1}}, {9, {4}}}));
}

TEST(ApplyDeltaTest, LossesGoAndTakeEmptyNamesAlong) {
  EXPECT_EQ(Applied(BlockOf({{2, {10, 10, 30}}, {5, {1}}}), DeltaOf({}, {{2, {10}}, {5, {1}}})),
            BlockOf({{2, {10, 30}}}));
  EXPECT_EQ(Applied(BlockOf({{2, {10}}}), DeltaOf({}, {{2, {10}}})), Block());
}

TEST(ApplyDeltaTest, NothingChangesNothing) {
  const Block base = BlockOf({{2, {10, 10, 30}}, {5, {1}}});
  EXPECT_EQ(Applied(base, BlockDelta()), base);
  EXPECT_EQ(Applied(Block(), BlockDelta()), Block());
}

TEST(ApplyDeltaTest, WhatTheSameDeltaGainsMayBeLost) {
  EXPECT_EQ(Applied(Block(), DeltaOf({{1, {5, 6}}}, {{1, {5}}})), BlockOf({{1, {6}}}));
  EXPECT_EQ(Applied(Block(), DeltaOf({{1, {5}}}, {{1, {5}}})), Block());
}

TEST(ApplyDeltaTest, ALossOfWhatIsNotThereFails) {
  constexpr auto kFailed = absl::StatusCode::kFailedPrecondition;
  EXPECT_EQ(CodeOfApplying({}, {}, {{1, {5}}}), kFailed);
  EXPECT_EQ(CodeOfApplying({{1, {4, 6}}}, {}, {{1, {5}}}), kFailed);
  EXPECT_EQ(CodeOfApplying({{2, {5}}}, {}, {{1, {5}}}), kFailed);
  EXPECT_EQ(CodeOfApplying({{1, {5}}}, {{2, {5}}}, {{1, {5, 5}}}), kFailed);
  EXPECT_EQ(CodeOfApplying({{1, {5}}, {3, {1}}}, {}, {{1, {5}}, {2, {1}}}), kFailed);
  EXPECT_EQ(CodeOfApplying({{1, {5}}, {3, {1}}}, {}, {{9, {1}}}), kFailed);
}

TEST(ApplyDeltaTest, OneLossTooManyOfTheSameSecondFails) {
  EXPECT_EQ(CodeOfApplying({{1, {5, 5}}}, {}, {{1, {5, 5}}}), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOfApplying({{1, {5, 5}}}, {}, {{1, {5, 5, 5}}}),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ApplyDeltaTest, AnyPartMayHaveArrivalsBeyond32Bits) {
  EXPECT_EQ(Applied(BlockOf({{1, {5}}, {3, {6}}}), DeltaOf({{2, {kTooLate}}}, {{1, {5}}})),
            BlockOf({{2, {kTooLate}}, {3, {6}}}));
  EXPECT_EQ(Applied(BlockOf({{1, {kMin64, -1, 5, kMax64}}}), DeltaOf({{1, {4, 6}}}, {{1, {5}}})),
            BlockOf({{1, {kMin64, -1, 4, 6, kMax64}}}));
  EXPECT_EQ(Applied(BlockOf({{1, {kMin64, 5, kMax64}}}), DeltaOf({}, {{1, {kMin64}}})),
            BlockOf({{1, {5, kMax64}}}));
  // The same in the low 32 bits, and not the same.
  constexpr auto kFailed = absl::StatusCode::kFailedPrecondition;
  EXPECT_EQ(CodeOfApplying({{1, {0}}}, {}, {{1, {kTooLate}}}), kFailed);
  EXPECT_EQ(CodeOfApplying({{1, {kTooLate - 1}}}, {}, {{1, {-1}}}), kFailed);
  EXPECT_EQ(CodeOfApplying({{1, {-1}}}, {}, {{1, {kTooLate - 1}}}), kFailed);
}

TEST(ApplyDeltaTest, ABlockTakes4BytesAnArrivalAgainWhenTheOddOneIsGone) {
  const Block odd = Applied(BlockOf({{1, {5}}}), DeltaOf({{1, {-1}}}, {}));
  EXPECT_FALSE(odd.arrivals.narrow());
  EXPECT_TRUE(Applied(odd, DeltaOf({}, {{1, {-1}}})).arrivals.narrow());
  EXPECT_TRUE(Applied(BlockOf({{1, {5}}}), DeltaOf({{1, {-1}}}, {{1, {-1}}})).arrivals.narrow());
}

TEST(ApplyDeltaTest, LittleOfABlockIsSpare) {
  Cells all;
  for (uint32_t name = 0; name < 1000; ++name) all[name] = {1, 2};
  const Block many = BlockOf(all);
  ExpectLittleSpare(Applied(Block(), DeltaOf(all, {})));
  ExpectLittleSpare(Applied(many, DeltaOf(all, {})));  // names that it has already
  ExpectLittleSpare(Applied(many, DeltaOf({{2000, {5}}}, {{3, {1, 2}}})));
  ExpectLittleSpare(Applied(many, DeltaOf({{2000, {-5}}}, {{3, {1, 2}}})));
  ExpectLittleSpare(Applied(many, DeltaOf({}, all)));
  all.erase(7);
  ExpectLittleSpare(Applied(many, DeltaOf({}, all)));
}

TEST(ApplyDeltaTest, ApplyingIsAddingAndTakingAwayCells) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomBlocks blocks(seed);
  for (int round = 0; round < 3000; ++round) {
    Cells state = blocks.Some();
    const Block base = BlockOf(state);
    const BlockDelta change = blocks.Change(&state);
    const Block applied = Applied(base, change);
    ASSERT_EQ(CellsOf(applied), state) << round;
    ExpectLittleSpare(applied);
  }
}

// As large as real ones, so that ranges are copied in one go.
TEST(ApplyDeltaTest, FewChangesOfALargeState) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Cells state;
  for (int i = 0; i < 4000; ++i) state[random() % 4 * (random() % 200)].insert(random() % 300);
  for (int round = 0; round < 100; ++round) {
    const Block base = BlockOf(state);
    Cells gained;
    Cells lost;
    if (round % 10 == 5) {  // one that needs more than 32 bits, until it is drawn below
      state[300].insert(-1);
      gained[300].insert(-1);
    }
    for (int i = 0; i < 30; ++i) {
      const auto name = static_cast<uint32_t>(random() % 700);
      const auto arrival = static_cast<int64_t>(random() % 300);
      state[name].insert(arrival);
      gained[name].insert(arrival);
    }
    for (int i = 0; i < 30; ++i) {
      const auto entry = std::next(state.begin(), random() % state.size());
      lost[entry->first].insert(*entry->second.begin());
      entry->second.erase(entry->second.begin());
      if (entry->second.empty()) state.erase(entry);
    }
    ASSERT_EQ(CellsOf(Applied(base, DeltaOf(gained, lost))), state) << round;
  }
}

// Long and short lists, ids and arrivals of all sizes: what is copied in groups has borders.
class BordersTest : public ::testing::Test {
 protected:
  // A name with so many arrivals: every other second.
  static std::multiset<int64_t> List(size_t count, int64_t first) {
    std::multiset<int64_t> list;
    for (size_t i = 0; i < count; ++i) list.insert(first + 2 * static_cast<int64_t>(i));
    return list;
  }

  // Applies one gain and one loss, each alone and both, and what cannot be lost.
  static void ExpectChanges(const Cells& state, uint32_t name, int64_t arrival) {
    const Block base = BlockOf(state);
    const Cells one = {{name, {arrival}}};
    Cells more = state;
    more[name].insert(arrival);
    ASSERT_EQ(Applied(base, DeltaOf(one, {})), BlockOf(more)) << name << " " << arrival;
    ASSERT_EQ(Applied(BlockOf(more), DeltaOf({}, one)), base) << name << " " << arrival;
    ASSERT_EQ(Applied(base, DeltaOf(one, one)), base) << name << " " << arrival;
    const auto entry = state.find(name);
    if (entry == state.end() || entry->second.count(arrival) == 0) {
      ASSERT_EQ(CodeOfApplying(state, {}, one), absl::StatusCode::kFailedPrecondition)
          << name << " " << arrival;
    }
  }
};

TEST_F(BordersTest, AnyNameOfAnyNumberMayChange) {
  for (const size_t names : {0, 1, 15, 16, 17, 31, 32, 33, 34, 50}) {
    SCOPED_TRACE(names);
    Cells state;
    for (uint32_t i = 0; i < names; ++i) state[2 * i + 1] = List(1 + i % 3, 100);
    for (uint32_t name = 0; name <= 2 * names; ++name) {
      ASSERT_NO_FATAL_FAILURE(ExpectChanges(state, name, 101));
    }
  }
}

TEST_F(BordersTest, AnyArrivalOfAnyNumberMayChange) {
  for (const int64_t first : {int64_t{100}, -3 * kTooLate}) {
    for (const size_t count : {1, 14, 15, 16, 17, 31, 32, 33, 48, 500}) {
      SCOPED_TRACE(count);
      for (const size_t behind : {0, 15, 16, 31, 32, 33}) {
        Cells state = {{3, List(2, first)}, {5, List(count, first)}};
        if (behind > 0) state[7] = List(behind, first);
        const size_t step = count > 100 ? 7 : 1;
        for (size_t i = 0; i <= 2 * count; i += step) {
          ASSERT_NO_FATAL_FAILURE(ExpectChanges(state, 5, first - 1 + static_cast<int64_t>(i)));
        }
      }
    }
  }
}

TEST_F(BordersTest, IdsAndArrivalsAreUnsigned) {
  constexpr int64_t kHalf = int64_t{1} << 31;
  constexpr auto kMost = std::numeric_limits<uint32_t>::max();
  Cells state;
  const std::multiset<int64_t> list = {0, 1, kHalf - 1, kHalf, kHalf + 1, kMost - 1, kMost};
  for (uint32_t i = 0; i < 40; ++i) {
    state[i] = list;
    state[(uint32_t{1} << 31) - 20 + i] = list;
    state[kMost - 2 * i] = list;
  }
  for (const uint32_t name :
       {0U, 39U, 40U, (1U << 31) - 21, (1U << 31) - 1, 1U << 31, kMost - 1, kMost}) {
    for (const int64_t arrival : list) ExpectChanges(state, name, arrival);
    for (const int64_t arrival : {int64_t{2}, kHalf - 2, kHalf + 2, int64_t{kMost - 2}}) {
      ExpectChanges(state, name, arrival);
    }
  }
}

// Zipf's lists, among thousands of names: more than any buffer takes, and changes everywhere.
TEST(ApplyDeltaTest, ChangesOfThousandsOfNames) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const int64_t first : {int64_t{0}, int64_t{4'294'967'000}}) {  // narrow, and not
    const auto any_name = [&random] {
      const auto rank = static_cast<uint32_t>(5000 / (1 + random() % 5000));
      return (random() % 3 == 0 ? static_cast<uint32_t>(random()) % 5000 : rank) * 7919 % 5003;
    };
    const auto any_arrival = [&] { return first + static_cast<int64_t>(random() % 1000); };
    Cells state;
    for (int i = 0; i < 15'000; ++i) state[any_name()].insert(any_arrival());
    for (int round = 0; round < 6; ++round) {
      const Block base = BlockOf(state);
      Cells gained;
      Cells lost;
      for (int i = 0; i < 200 * round; ++i) {
        const uint32_t name = any_name();
        const int64_t arrival = any_arrival();
        gained[name].insert(arrival);
        state[name].insert(arrival);
      }
      for (int i = 0; i < 200 * round; ++i) {
        const auto entry = state.lower_bound(any_name());
        if (entry == state.end()) continue;
        const auto arrival =
            std::next(entry->second.begin(), static_cast<int64_t>(random() % entry->second.size()));
        lost[entry->first].insert(*arrival);
        entry->second.erase(arrival);
        if (entry->second.empty()) state.erase(entry);
      }
      const Block applied = Applied(base, DeltaOf(gained, lost));
      ASSERT_EQ(applied, BlockOf(state)) << round;
      ExpectLittleSpare(applied);
      const BlockDelta back = DeltaOf(lost, gained);
      ASSERT_EQ(Applied(applied, back), base) << round;
      ASSERT_TRUE(CombineDeltas(DeltaOf(gained, lost), back).empty()) << round;
    }
  }
}

TEST(ApplyDeltaTest, AnyLossTooManyFails) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomBlocks blocks(seed);
  for (int round = 0; round < 3000; ++round) {
    Cells state = blocks.Some();
    const Block base = BlockOf(state);
    BlockDelta change = blocks.Change(&state);
    // `state` is what is left: losing one cell more than that of any name must fail.
    Cells lost = CellsOf(change.lost);
    const uint32_t name = state.empty() ? 3 : state.begin()->first;
    const int64_t arrival = state.empty() ? 0 : *state.begin()->second.begin();
    const size_t copies = state.empty() ? 0 : state[name].count(arrival);
    for (size_t i = 0; i <= copies; ++i) lost[name].insert(arrival);
    change.lost = BlockOf(lost);
    ASSERT_EQ(ApplyDelta(base, change).status().code(), absl::StatusCode::kFailedPrecondition)
        << round;
  }
}

}  // namespace
}  // namespace fleetqshape
