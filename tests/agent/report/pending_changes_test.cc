#include "agent/report/pending_changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

constexpr Axis kRecipient = Axis::kRecipientDomain;

Cell CellOf(uint32_t name_id, int64_t arrival, Queue queue = Queue::kActive,
            Axis axis = kRecipient) {
  return {queue, axis, name_id, arrival};
}

TEST(PendingChangesTest, NothingIsPendingAtFirst) {
  PendingChanges changes;
  EXPECT_TRUE(changes.empty());
  EXPECT_TRUE(changes.Take().empty());
}

TEST(PendingChangesTest, AGainAndItsLossCancelOutInEitherOrder) {
  PendingChanges changes;
  changes.Add(CellOf(1, 10), 1);
  changes.Add(CellOf(1, 10), -1);
  changes.Add(CellOf(2, 10), -1);
  changes.Add(CellOf(2, 10), 1);
  EXPECT_TRUE(changes.empty());
  EXPECT_EQ(changes.size(), 0U);
  EXPECT_TRUE(changes.Take().empty());
}

TEST(PendingChangesTest, OnlyTheSameCellCancelsOut) {
  PendingChanges changes;
  changes.Add(CellOf(1, 10), 1);
  changes.Add(CellOf(1, 11), -1);
  changes.Add(CellOf(2, 10), -1);
  changes.Add(CellOf(1, 10, Queue::kHold), -1);
  changes.Add(CellOf(1, 10, Queue::kActive, Axis::kSenderDomain), -1);
  EXPECT_EQ(changes.size(), 5U);
  EXPECT_EQ(changes.Take().size(), 3U);
}

TEST(PendingChangesTest, GainsAndLossesAreBlocksOfTheirOwnWithRepeatedArrivals) {
  PendingChanges changes;
  changes.Add(CellOf(9, 30), 1);
  changes.Add(CellOf(9, 30), 1);
  changes.Add(CellOf(9, 20), 1);
  changes.Add(CellOf(9, 25), -1);
  changes.Add(CellOf(4, 50), -1);
  changes.Add(CellOf(4, 50), -1);
  const auto sections = changes.Take();
  ASSERT_EQ(sections.size(), 1U);
  EXPECT_EQ(sections[0].queue, Queue::kActive);
  EXPECT_EQ(sections[0].axis, kRecipient);
  EXPECT_EQ(sections[0].delta.gained, (Block{{9}, {0, 3}, {20, 30, 30}}));
  EXPECT_EQ(sections[0].delta.lost, (Block{{4, 9}, {0, 2, 3}, {50, 50, 25}}));
}

TEST(PendingChangesTest, TheSameNameInTheNextSectionStartsAnew) {
  PendingChanges changes;
  changes.Add(CellOf(3, 10, Queue::kActive), 1);
  changes.Add(CellOf(3, 10, Queue::kDeferred), 1);
  const auto sections = changes.Take();
  ASSERT_EQ(sections.size(), 2U);
  const Block one{{3}, {0, 1}, {10}};
  EXPECT_EQ(sections[0].delta.gained, one);
  EXPECT_EQ(sections[1].delta.gained, one);
}

TEST(PendingChangesTest, TakingLeavesNothingBehind) {
  PendingChanges changes;
  changes.Add(CellOf(1, 10), 1);
  EXPECT_EQ(changes.Take().size(), 1U);
  EXPECT_TRUE(changes.empty());
  changes.Add(CellOf(1, 10), -1);
  const auto sections = changes.Take();
  ASSERT_EQ(sections.size(), 1U);
  EXPECT_TRUE(sections[0].delta.gained.name_ids.empty());
  EXPECT_EQ(sections[0].delta.lost, (Block{{1}, {0, 1}, {10}}));
}

TEST(PendingChangesTest, ClearForgetsAll) {
  PendingChanges changes;
  changes.Add(CellOf(1, 10), 1);
  changes.Clear();
  EXPECT_TRUE(changes.empty());
  EXPECT_TRUE(changes.Take().empty());
}

TEST(PendingChangesTest, MemoryOfWhatCancelledOutIsGivenBack) {
  constexpr int64_t kMany = 500'000;
  PendingChanges changes;
  for (int64_t i = 0; i < kMany; ++i) changes.Add(CellOf(1, i), 1);
  EXPECT_GE(changes.capacity(), size_t{kMany});
  for (int64_t i = 0; i < kMany - 10; ++i) {
    changes.Add(CellOf(1, i), -1);
    ASSERT_LE(changes.capacity(), 16 * changes.size() + 10'000);
  }
  EXPECT_EQ(changes.size(), 10U);
  const auto sections = changes.Take();
  ASSERT_EQ(sections.size(), 1U);
  EXPECT_EQ(sections[0].delta.gained.arrivals.size(), 10U);
  EXPECT_LE(changes.capacity(), 10'000U);
  for (int64_t i = 0; i < kMany; ++i) changes.Add(CellOf(1, i), 1);
  changes.Clear();
  EXPECT_LE(changes.capacity(), 10'000U);
}

TEST(PendingChangesTest, SectionsComeSortedAndHoldTheSumOfAllChanges) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(200); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    PendingChanges changes;
    using Key = std::tuple<Queue, Axis, uint32_t, int64_t>;
    std::map<Key, int> naive;
    for (int64_t left = random.Between(0, 400); left > 0; --left) {
      const Cell cell = CellOf(static_cast<uint32_t>(random.Between(0, 5)), random.Between(-2, 2),
                               random.OneOf(kAllQueues), random.OneOf(kAllAxes));
      const int change = random.OneIn(2) ? 1 : -1;
      changes.Add(cell, change);
      naive[{cell.queue, cell.axis, cell.name_id, cell.arrival}] += change;
    }
    std::erase_if(naive, [](const auto& entry) { return entry.second == 0; });
    EXPECT_EQ(changes.size(), naive.size());
    EXPECT_EQ(changes.empty(), naive.empty());

    std::map<Key, int> taken;
    std::vector<std::pair<Queue, Axis>> order;
    for (const auto& [queue, axis, delta] : changes.Take()) {
      order.emplace_back(queue, axis);
      EXPECT_FALSE(delta.empty());
      for (const auto& [block, change] :
           {std::pair(&delta.gained, 1), std::pair(&delta.lost, -1)}) {
        test::ExpectSoundBlock(*block);
        for (size_t i = 0; i < block->name_ids.size(); ++i) {
          for (uint32_t k = block->offsets[i]; k < block->offsets[i + 1]; ++k) {
            taken[{queue, axis, block->name_ids[i], block->arrivals[k]}] += change;
          }
        }
      }
    }
    EXPECT_EQ(taken, naive);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(std::adjacent_find(order.begin(), order.end()), order.end());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace fleetqshape
