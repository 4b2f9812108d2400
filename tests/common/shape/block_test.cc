#include "common/shape/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kTooLate = int64_t{1} << 32;  // for 4 bytes
constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();

// The same as a block, in the plainest form.
using Cells = std::map<uint32_t, std::multiset<int64_t>>;

Block BlockOf(const Cells& cells) {
  BlockBuilder builder;
  for (const auto& [name_id, arrivals] : cells) {
    builder.StartName(name_id);
    for (const int64_t arrival : arrivals) builder.AddArrival(arrival);
  }
  return builder.Finish();
}

Cells CellsOf(const Block& block) {
  Cells cells;
  bool narrow = true;
  EXPECT_EQ(block.offsets.size(), block.name_ids.size() + 1);
  EXPECT_EQ(block.offsets.back(), block.arrivals.size());
  for (size_t i = 0; i < block.name_ids.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(block.name_ids[i - 1], block.name_ids[i]);
    }
    EXPECT_LT(block.offsets[i], block.offsets[i + 1]);
    for (uint32_t k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
      if (k > block.offsets[i]) {
        EXPECT_LE(block.arrivals[k - 1], block.arrivals[k]);
      }
      cells[block.name_ids[i]].insert(block.arrivals[k]);
      narrow = narrow && ArrivalColumn::Fits(block.arrivals[k]);
    }
  }
  EXPECT_EQ(block.arrivals.narrow(), narrow);
  return cells;
}

BlockDelta DeltaOf(const Cells& gained, const Cells& lost) {
  return {BlockOf(gained), BlockOf(lost)};
}

Block Applied(const Block& base, const BlockDelta& delta) {
  auto result = ApplyDelta(base, delta);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : Block();  // not a copy, which has nothing spare
}

absl::StatusCode CodeOfApplying(const Cells& base, const Cells& gained, const Cells& lost) {
  return ApplyDelta(BlockOf(base), DeltaOf(gained, lost)).status().code();
}

void ExpectLittleSpare(const Block& block) {
  const auto expect_little_spare = [](size_t capacity, size_t size) {
    EXPECT_LE(capacity - size, size / 8) << size;
  };
  expect_little_spare(block.name_ids.capacity(), block.name_ids.size());
  expect_little_spare(block.offsets.capacity(), block.offsets.size());
  expect_little_spare(block.arrivals.bytes() / (block.arrivals.narrow() ? 4 : 8),
                      block.arrivals.size());
}

// Random states and changes over few names and seconds, so that they meet often. Some have only
// arrivals of 4 bytes, some any.
class RandomBlocks {
 public:
  explicit RandomBlocks(unsigned seed) : random_(seed) {}

  Cells Some() {
    Cells cells;
    narrow_ = random_() % 2 == 0;
    for (unsigned n = random_() % 12; n > 0; --n) cells[Name()].insert(Arrival());
    return cells;
  }

  // A change that fits `state`, and brings it up to date. It may gain and lose the same.
  BlockDelta Change(Cells* state) {
    Cells gained = Some();
    if (random_() % 4 == 0) gained.clear();
    for (const auto& [name, arrivals] : gained) {
      for (const int64_t arrival : arrivals) (*state)[name].insert(arrival);
    }
    Cells lost;
    for (auto entry = state->begin(); entry != state->end();) {
      auto& [name, arrivals] = *entry;
      const unsigned mercy = 1 + random_() % 4;
      for (auto arrival = arrivals.begin(); arrival != arrivals.end();) {
        if (random_() % mercy != 0) {
          ++arrival;
          continue;
        }
        lost[name].insert(*arrival);
        arrival = arrivals.erase(arrival);
      }
      entry = arrivals.empty() ? state->erase(entry) : std::next(entry);
    }
    return DeltaOf(gained, lost);
  }

 private:
  uint32_t Name() {
    return random_() % 10 == 0 ? std::numeric_limits<uint32_t>::max() - random_() % 2
                               : random_() % 6;
  }
  int64_t Arrival() {
    if (narrow_) return random_() % 4 == 0 ? kTooLate - 1 : random_() % 4;
    switch (random_() % 10) {
      case 0:
        return kMin64;
      case 1:
        return kMax64;
      case 2:
        return kTooLate - random_() % 2;
      default:
        return static_cast<int64_t>(random_() % 6) - 2;
    }
  }

  std::mt19937 random_;
  bool narrow_ = false;
};

TEST(BlockBuilderTest, AnEmptyBlockHasOneOffset) {
  const Block block = BlockBuilder().Finish();
  EXPECT_EQ(block, Block());
  EXPECT_THAT(block.offsets, ElementsAre(0));
}

TEST(BlockBuilderTest, ColumnsStandByName) {
  BlockBuilder builder;
  builder.StartName(0);
  builder.AddArrival(-5);
  builder.AddArrival(7);
  builder.AddArrival(7);
  builder.StartName(std::numeric_limits<uint32_t>::max());
  builder.AddArrival(3);
  const Block block = builder.Finish();
  EXPECT_THAT(block.name_ids, ElementsAre(0, std::numeric_limits<uint32_t>::max()));
  EXPECT_THAT(block.offsets, ElementsAre(0, 3, 4));
  EXPECT_EQ(block.arrivals, ArrivalColumn({-5, 7, 7, 3}));
}

TEST(BlockBuilderTest, NamesWithoutArrivalsAreLeftOut) {
  BlockBuilder builder;
  builder.StartName(1);
  builder.StartName(2);
  builder.AddArrival(3);
  builder.StartName(4);
  builder.StartName(5);
  const Block block = builder.Finish();
  EXPECT_THAT(block.name_ids, ElementsAre(2));
  EXPECT_THAT(block.offsets, ElementsAre(0, 1));
}

TEST(BlockBuilderTest, StartsAnewAfterFinish) {
  BlockBuilder builder;
  builder.StartName(1);
  builder.AddArrival(3);
  builder.Finish();
  EXPECT_EQ(builder.Finish(), Block());
  builder.StartName(0);
  builder.AddArrival(4);
  EXPECT_EQ(builder.Finish(), BlockOf({{0, {4}}}));
}

TEST(BlockDeltaTest, IsEmptyIfNothingIsGainedOrLost) {
  EXPECT_TRUE(BlockDelta().empty());
  EXPECT_FALSE(DeltaOf({{1, {2}}}, {}).empty());
  EXPECT_FALSE(DeltaOf({}, {{1, {2}}}).empty());
}

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

TEST(BlockPropertyTest, ApplyingIsAddingAndTakingAwayCells) {
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

TEST(BlockPropertyTest, ACombinedDeltaDoesWhatBothDo) {
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

// As large as real ones, so that ranges are copied in one go.
TEST(BlockPropertyTest, FewChangesOfALargeState) {
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
TEST(BlockPropertyTest, ChangesOfThousandsOfNames) {
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

TEST(BlockPropertyTest, ManyDeltasCombineAsTwoAndTwoDo) {
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
TEST(BlockPropertyTest, CombiningIsAssociative) {
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

TEST(BlockPropertyTest, AnyLossTooManyFails) {
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
