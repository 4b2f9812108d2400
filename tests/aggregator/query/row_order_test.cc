#include "aggregator/query/row_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::RandomSource;

// Many candidates are equal: the names decide, and none may be dropped before they are asked.
TEST(FirstRowsTest, EqualTheFirstOfAllInTheirOrder) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(60); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    const int64_t keys = random.OneIn(2) ? 5 : 5000;
    const size_t max_rows = static_cast<size_t>(random.Between(0, random.OneIn(2) ? 20 : 3000));
    FirstRows first(max_rows);
    std::vector<RowCandidate> all;
    for (int64_t left = random.Between(0, 10'000); left > 0; --left) {
      all.push_back({static_cast<double>(random.Between(0, keys)), static_cast<uint32_t>(left)});
      first.Offer(all.back());
    }
    std::vector<std::string> names;
    for (uint32_t id = 0; id <= all.size(); ++id) names.push_back(std::to_string(id * 7919 % 9973));
    const auto name_of = [&](uint32_t id) { return std::string_view(names[id]); };
    std::vector<RowCandidate> kept = first.Take();
    PutIntoOrder(RowOrder::kTotal, max_rows, name_of, &kept);
    PutIntoOrder(RowOrder::kTotal, max_rows, name_of, &all);
    ASSERT_EQ(kept.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(kept[i].key, all[i].key);
      ASSERT_EQ(name_of(kept[i].id), name_of(all[i].id));
    }
  }
}

TEST(RowKeysTest, NoKeyIsLargerThanTheMostOfItsSum) {
  RandomSource random(test::FirstSeed());
  for (int run = 0; run < 2000; ++run) {
    std::vector<uint64_t> totals;
    for (int64_t left = random.Between(1, 4); left > 0; --left) {
      totals.push_back(random.OneIn(5) ? 0 : static_cast<uint64_t>(random.Between(1, 1'000'000)));
    }
    std::vector<uint64_t> counts;
    for (const uint64_t total : totals) {
      const auto most = static_cast<int64_t>(total);
      counts.push_back(static_cast<uint64_t>(random.OneIn(3) ? most : random.Between(0, most)));
    }
    const auto sum = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
    if (sum == 0) continue;
    for (const RowOrder order : {RowOrder::kTotal, RowOrder::kName, RowOrder::kShareDifference,
                                 RowOrder::kGroup, RowOrder::kShareRatio}) {
      const RowKeys keys(order, totals.size() - 1, totals);
      ASSERT_LE(keys.KeyOf(counts, sum), keys.MostKeyOf(sum)) << static_cast<int>(order);
    }
  }
}

TEST(FirstRowsTest, KeepsFewOfMany) {
  FirstRows first(20);
  for (uint32_t id = 0; id < 200'000; ++id) first.Offer({static_cast<double>(id % 50'021), id});
  EXPECT_LT(first.Take().size(), 2048U);
}

}  // namespace
}  // namespace fleetqshape
