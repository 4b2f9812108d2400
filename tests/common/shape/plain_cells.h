// Blocks in their plainest form, for tests, and random ones.
#ifndef FLEETQSHAPE_TESTS_COMMON_SHAPE_PLAIN_CELLS_H_
#define FLEETQSHAPE_TESTS_COMMON_SHAPE_PLAIN_CELLS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "common/shape/block.h"

namespace fleetqshape::test {

inline constexpr int64_t kTooLate = int64_t{1} << 32;  // for 4 bytes
inline constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();

// The same as a block, in the plainest form.
using Cells = std::map<uint32_t, std::multiset<int64_t>>;

inline Block BlockOf(const Cells& cells) {
  BlockBuilder builder;
  for (const auto& [name_id, arrivals] : cells) {
    builder.StartName(name_id);
    for (const int64_t arrival : arrivals) builder.AddArrival(arrival);
  }
  return builder.Finish();
}

inline Cells CellsOf(const Block& block) {
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

inline BlockDelta DeltaOf(const Cells& gained, const Cells& lost) {
  return {BlockOf(gained), BlockOf(lost)};
}

inline Block Applied(const Block& base, const BlockDelta& delta) {
  auto result = ApplyDelta(base, delta);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : Block();  // not a copy, which has nothing spare
}

inline absl::StatusCode CodeOfApplying(const Cells& base, const Cells& gained, const Cells& lost) {
  return ApplyDelta(BlockOf(base), DeltaOf(gained, lost)).status().code();
}

inline void ExpectLittleSpare(const Block& block) {
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

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_COMMON_SHAPE_PLAIN_CELLS_H_
