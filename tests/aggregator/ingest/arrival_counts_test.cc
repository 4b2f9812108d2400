#include "aggregator/ingest/arrival_counts.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::RandomSource;
using Naive = std::map<int64_t, uint64_t>;

constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
constexpr int64_t kLast = std::numeric_limits<int64_t>::max();

Naive Of(const ArrivalCounts& counts, int64_t first = kFirst, int64_t last = kLast) {
  Naive all;
  counts.ForEach(first, last, [&](int64_t second, uint32_t count) { all[second] += count; });
  return all;
}

uint64_t NotBefore(const Naive& naive, int64_t second) {
  uint64_t count = 0;
  for (auto one = naive.lower_bound(second); one != naive.end(); ++one) count += one->second;
  return count;
}

Naive Between(const Naive& naive, int64_t first, int64_t last) {
  Naive part;
  for (const auto& [second, count] : naive) {
    if (second >= first && second <= last) part[second] = count;
  }
  return part;
}

// Seconds that come close together, at a page's ends, far off, and at the ends of all numbers.
int64_t RandomSecond(RandomSource& random) {
  switch (random.Between(0, 9)) {
    case 0:
      return random.OneOf(std::vector<int64_t>{kFirst, kFirst + 1, -4097, -4096, -1, 0, 4095, 4096,
                                               kLast - 1, kLast});
    case 1:
      return random.Between(-1'000'000'000'000, 1'000'000'000'000);
    default:
      return 1'700'000'000 + random.Between(0, 5000);
  }
}

TEST(ArrivalCountsTest, EqualsANaiveCount) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(40); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    ArrivalCounts counts;
    Naive naive;
    std::vector<std::pair<ArrivalCounts, Naive>> copies;
    // Rises to thousands of seconds, so that pages become dense, and falls again.
    for (int step = 0; step < 6000; ++step) {
      const bool falls = step > 3000;
      if (!naive.empty() && random.OneIn(falls ? 1 : 4)) {
        auto one = naive.lower_bound(RandomSecond(random));
        if (one == naive.end()) one = naive.begin();
        const uint64_t less = random.OneIn(4) ? 1 : one->second;
        counts.Subtract(one->first, static_cast<uint32_t>(less));
        one->second -= less;
        if (one->second == 0) naive.erase(one);
      } else {
        const int64_t second = RandomSecond(random);
        const auto more = static_cast<uint32_t>(random.Between(0, 3));
        counts.Add(second, more);
        if (more > 0) naive[second] += more;
      }
      if (random.OneIn(1000)) copies.emplace_back(counts.Share(), naive);
    }
    copies.emplace_back(std::move(counts), naive);
    for (const auto& [copy, expected] : copies) {
      ASSERT_EQ(Of(copy), expected);
      for (int i = 0; i < 20; ++i) {
        const int64_t first = RandomSecond(random);
        const int64_t last = RandomSecond(random);
        EXPECT_EQ(copy.CountNotBefore(first), NotBefore(expected, first)) << first;
        EXPECT_EQ(Of(copy, first, last), Between(expected, first, last)) << first << ' ' << last;
      }
      if (expected.empty()) continue;
      EXPECT_LE(copy.Bounds().first, expected.begin()->first);
      EXPECT_GE(copy.Bounds().second, expected.rbegin()->first);
    }
    if (HasFailure()) return;
  }
}

TEST(ArrivalCountsTest, WithoutCountsNothingIsInBounds) {
  ArrivalCounts counts;
  counts.Add(5, 2);
  counts.Subtract(5, 2);
  EXPECT_GT(counts.Bounds().first, counts.Bounds().second);
  EXPECT_EQ(counts.CountNotBefore(kFirst), 0U);
}

}  // namespace
}  // namespace fleetqshape
