#include "aggregator/query/few_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::RandomSource;
using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

Pairs FindIn(const FewNames& few, const std::vector<uint32_t>& fleet_ids, bool all) {
  std::vector<FewNames::Found> found = {{7, 7}};  // of another table
  few.FindIn(fleet_ids, all, &found);
  Pairs pairs;
  for (const FewNames::Found& one : found) pairs.emplace_back(one.name, one.name_id);
  return pairs;
}

TEST(FewNamesTest, FindsAllOfThemByRisingIds) {
  const FewNames few(std::vector<uint32_t>{70, 5, 8192 + 5});
  std::vector<uint32_t> table = {1, 5, 2, 8192 + 5, 16384 + 5, 3, 4, 6, 7, 8, 70, 9};
  table.resize(100, 1);
  table.push_back(5);
  EXPECT_EQ(FindIn(few, table, true), (Pairs{{1, 1}, {2, 3}, {0, 10}, {1, 100}}));
  EXPECT_EQ(FindIn(few, table, false), (Pairs{{1, 1}, {2, 3}, {0, 10}}));
  EXPECT_EQ(FindIn(few, {}, true), Pairs());
  EXPECT_EQ(FindIn(FewNames({}), table, true), Pairs());
}

// Beyond what a place can say: of the last ones it says only that there are some.
TEST(FewNamesTest, FindsAsManyAsThereMayBe) {
  std::vector<uint32_t> ids;
  Pairs all;
  for (uint32_t i = 0; i < FewNames::kMost; ++i) {
    ids.push_back(3 * i + 1);
    all.emplace_back(i, 3 * i + 1);
  }
  std::vector<uint32_t> table;
  for (uint32_t id = 0; id < 1000; ++id) table.push_back(id);
  EXPECT_EQ(FindIn(FewNames(ids), table, true), all);
}

TEST(FewNamesTest, EqualsANaiveSearch) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(200); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    const int64_t most = random.OneIn(2) ? 300 : 100'000;
    std::set<uint32_t> wanted;
    for (int64_t left = random.Between(0, 256); left > 0; --left) {
      wanted.insert(static_cast<uint32_t>(random.Between(0, most)));
    }
    std::vector<uint32_t> ids(wanted.begin(), wanted.end());
    std::reverse(ids.begin(), ids.end());
    std::vector<uint32_t> table;
    for (int64_t left = random.Between(0, 1000); left > 0; --left) {
      table.push_back(static_cast<uint32_t>(random.Between(0, most)));
    }
    Pairs naive;
    for (uint32_t i = 0; i < table.size(); ++i) {
      const auto one = std::find(ids.begin(), ids.end(), table[i]);
      if (one != ids.end()) naive.emplace_back(one - ids.begin(), i);
    }
    ASSERT_EQ(FindIn(FewNames(ids), table, true), naive);
  }
}

Pairs FindInBlock(const Block& block, const std::vector<FewNames::Found>& found) {
  std::vector<FoundInBlock> in_block = {{7, 7}};  // of another block
  FindInBlock(block, found, &in_block);
  Pairs pairs;
  for (const FoundInBlock& one : in_block) pairs.emplace_back(one.name, one.index);
  return pairs;
}

TEST(FindInBlockTest, FindsWhatTheBlockHas) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(500); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    Block block;
    const int64_t step = random.OneIn(2) ? 2 : 50;
    for (int64_t id = random.Between(0, 3); id < 500; id += random.Between(1, step)) {
      block.name_ids.push_back(static_cast<uint32_t>(id));
    }
    std::vector<FewNames::Found> wanted;
    Pairs expected;
    const int64_t end = random.OneIn(2) ? 600 : 100;
    for (int64_t id = random.Between(0, 5); id < end; id += random.Between(1, step)) {
      const auto name = static_cast<uint32_t>(random.Between(0, 255));
      wanted.push_back({name, static_cast<uint32_t>(id)});
      const auto at = std::find(block.name_ids.begin(), block.name_ids.end(), id);
      if (at != block.name_ids.end()) expected.emplace_back(name, at - block.name_ids.begin());
    }
    ASSERT_EQ(FindInBlock(block, wanted), expected);
  }
}

TEST(FindInBlockTest, NothingIsFoundInNothing) {
  Block block;
  EXPECT_EQ(FindInBlock(block, {{0, 3}}), Pairs());
  block.name_ids = {3};
  EXPECT_EQ(FindInBlock(block, {}), Pairs());
}

}  // namespace
}  // namespace fleetqshape
