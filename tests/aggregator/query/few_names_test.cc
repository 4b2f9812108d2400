#include "aggregator/query/few_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::RandomSource;
using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

Pairs FindIn(const FewNames& few, const std::vector<uint32_t>& fleet_ids, bool all) {
  Pairs found;
  for (const FewNames::Found& one : few.FindIn(fleet_ids, all)) {
    found.emplace_back(one.name, one.name_id);
  }
  return found;
}

TEST(FewNamesTest, FindsAllOfThemByRisingIds) {
  const FewNames few(std::vector<uint32_t>{70, 5, 8192 + 5});
  const std::vector<uint32_t> table = {1, 5, 2, 8192 + 5, 16384 + 5, 3, 4, 6, 7, 8, 70, 9, 5};
  EXPECT_EQ(FindIn(few, table, true), (Pairs{{1, 1}, {2, 3}, {0, 10}, {1, 12}}));
  EXPECT_EQ(FindIn(few, table, false), (Pairs{{1, 1}, {2, 3}, {0, 10}}));
  EXPECT_EQ(FindIn(few, {}, true), Pairs());
  EXPECT_EQ(FindIn(FewNames({}), table, true), Pairs());
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

TEST(NameFinderTest, FindsWhatTheBlockHas) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(500); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    Block block;
    const int64_t step = random.OneIn(2) ? 2 : 50;
    for (int64_t id = random.Between(0, 3); id < 500; id += random.Between(1, step)) {
      block.name_ids.push_back(static_cast<uint32_t>(id));
    }
    NameFinder finder(block);
    for (int64_t id = random.Between(0, 5); id < 600; id += random.Between(1, step)) {
      const auto name_id = static_cast<uint32_t>(id);
      const auto at = std::find(block.name_ids.begin(), block.name_ids.end(), name_id);
      std::optional<uint32_t> expected;
      if (at != block.name_ids.end()) {
        expected = static_cast<uint32_t>(at - block.name_ids.begin());
      }
      ASSERT_EQ(finder.Find(name_id), expected) << name_id;
    }
  }
  Block empty;
  EXPECT_EQ(NameFinder(empty).Find(0), std::nullopt);
}

}  // namespace
}  // namespace fleetqshape
