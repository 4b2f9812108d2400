#include "aggregator/ingest/arrival_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "common/shape/arrival_column.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::RandomSource;
using Naive = std::map<int64_t, uint64_t>;

constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
constexpr auto kMinusOne = static_cast<uint32_t>(-1);

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

// Adds to both, as a narrow or a wide column if it can be both.
void AddToBoth(RandomSource& random, const std::vector<int64_t>& seconds, uint32_t count,
               ArrivalCounts* counts, Naive* naive) {
  if (std::all_of(seconds.begin(), seconds.end(), ArrivalColumn::Fits) && random.OneIn(2)) {
    counts->Add<uint32_t>(std::vector<uint32_t>(seconds.begin(), seconds.end()), count);
  } else {
    counts->Add<int64_t>(seconds, count);
  }
  for (const int64_t second : seconds) {
    uint64_t& sum = (*naive)[second];
    sum = static_cast<uint32_t>(sum + count);
    if (sum == 0) naive->erase(second);
  }
}

// Some of those that there are, each no more often than it is there.
std::vector<int64_t> SomeOf(RandomSource& random, const Naive& naive, int64_t most) {
  std::vector<int64_t> seconds;
  auto one = naive.lower_bound(RandomSecond(random));
  while (one != naive.end() && static_cast<int64_t>(seconds.size()) < most) {
    for (auto left = random.Between(0, static_cast<int64_t>(one->second)); left > 0; --left) {
      seconds.push_back(one->first);
    }
    ++one;
  }
  return seconds;
}

TEST(ArrivalCountsTest, EqualsANaiveCount) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(40); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    ArrivalCounts counts;
    Naive naive;
    std::vector<std::pair<ArrivalCounts, Naive>> copies;
    // Rises to thousands of seconds, so that pages become dense, and falls again.
    for (int step = 0; step < 200; ++step) {
      const bool falls = step > 100;
      const int64_t most = random.OneIn(4) ? 200 : 10;
      if (random.OneIn(falls ? 1 : 4)) {
        AddToBoth(random, SomeOf(random, naive, falls ? 8 * most : most), kMinusOne, &counts,
                  &naive);
      } else {
        std::vector<int64_t> more;
        for (int64_t left = random.Between(0, most); left > 0; --left) {
          more.push_back(RandomSecond(random));
        }
        AddToBoth(random, more, static_cast<uint32_t>(random.Between(0, 3)), &counts, &naive);
      }
      if (random.OneIn(40)) copies.emplace_back(counts.Share(), naive);
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
  counts.Add<int64_t>({5, -5000}, 2);
  EXPECT_EQ(counts.Bounds(), std::make_pair(int64_t{-8192}, int64_t{4095}));
  counts.Add<int64_t>({5, -5000}, static_cast<uint32_t>(-2));
  EXPECT_GT(counts.Bounds().first, counts.Bounds().second);
  EXPECT_EQ(counts.CountNotBefore(kFirst), 0U);
}

// Whichever way a page keeps them.
TEST(ArrivalCountsTest, CountsAreModulo32Bits) {
  for (const uint32_t seconds : {3U, 1000U}) {
    SCOPED_TRACE(seconds);
    std::vector<uint32_t> all(seconds);
    std::iota(all.begin(), all.end(), 4000U);  // two pages
    ArrivalCounts counts;
    counts.Add<uint32_t>(all, kMinusOne);
    EXPECT_EQ(Of(counts).at(4000), kMinusOne);
    counts.Add<uint32_t>(all, 2);
    EXPECT_EQ(counts.CountNotBefore(4000), seconds);
    EXPECT_EQ(Of(counts).at(4001), 1U);
    counts.Add<uint32_t>(all, kMinusOne);
    EXPECT_TRUE(Of(counts).empty());
    EXPECT_GT(counts.Bounds().first, counts.Bounds().second) << "no page is left";
  }
}

// More pages than are found without a hash table: those 128 apart have the same place there.
TEST(ArrivalCountsTest, ManyPages) {
  std::vector<int64_t> seconds;
  for (int64_t page = -300; page < 300; ++page) seconds.push_back(page * 4096 + 7);
  ArrivalCounts counts;
  for (int i = 0; i < 3; ++i) counts.Add<int64_t>(seconds, 1);
  EXPECT_EQ(Of(counts).size(), 600U);
  EXPECT_EQ(counts.CountNotBefore(0), 900U);
  counts.Add<int64_t>(absl::MakeSpan(seconds).subspan(100), static_cast<uint32_t>(-3));
  EXPECT_EQ(Of(counts).size(), 100U);
  EXPECT_EQ(Of(counts).begin()->second, 3U);
}

}  // namespace
}  // namespace fleetqshape
