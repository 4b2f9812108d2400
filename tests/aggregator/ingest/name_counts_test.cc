#include "aggregator/ingest/name_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::RandomSource;
using Naive = std::map<uint32_t, uint64_t>;

constexpr auto kPage = static_cast<uint32_t>(NameCounts::kIdsOfPage);

Naive Of(const NameCounts& counts) {
  std::vector<uint64_t> sums(counts.end(), 0);
  counts.AddTo(0, absl::MakeSpan(sums));
  Naive all;
  for (uint32_t id = 0; id < sums.size(); ++id) {
    if (sums[id] > 0) all[id] = sums[id];
  }
  return all;
}

// Exactly the pages with counts take memory.
void ExpectPagesOf(const NameCounts& counts, const Naive& naive) {
  EXPECT_EQ(counts.end(), naive.empty() ? 0 : (naive.rbegin()->first / kPage + 1) * kPage);
  for (uint32_t first = 0; first < counts.end() + kPage; first += kPage) {
    const auto one = naive.lower_bound(first);
    EXPECT_EQ(counts.HasPage(first), one != naive.end() && one->first < first + kPage) << first;
  }
}

void AddToBoth(const std::vector<uint32_t>& ids, const std::vector<uint32_t>& by,
               NameCounts* counts, Naive* naive) {
  counts->Add(ids, by);
  for (size_t i = 0; i < ids.size(); ++i) {
    uint64_t& sum = (*naive)[ids[i]];
    sum = static_cast<uint32_t>(sum + by[i]);
    if (sum == 0) naive->erase(ids[i]);
  }
}

TEST(NameCountsTest, EqualsANaiveCount) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(40); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    NameCounts counts;
    Naive naive;
    std::vector<std::pair<NameCounts, Naive>> copies;
    for (int step = 0; step < 200; ++step) {
      std::vector<uint32_t> ids;
      std::vector<uint32_t> by;
      const int64_t most = random.OneIn(4) ? 300 : 10;
      if (random.OneIn(step > 100 ? 1 : 4)) {
        auto one = naive.lower_bound(static_cast<uint32_t>(random.Between(0, 6 * kPage)));
        for (int64_t left = random.Between(0, 4 * most); left > 0 && one != naive.end(); --left) {
          ids.push_back(one->first);
          const auto less = random.OneIn(4) ? 1U : static_cast<uint32_t>(one->second);
          by.push_back(-less);
          ++one;
        }
      } else {
        for (int64_t left = random.Between(0, most); left > 0; --left) {
          ids.push_back(static_cast<uint32_t>(
              random.OneIn(3) ? kPage * random.Between(1, 5) - random.Between(0, 1)
                              : random.Between(0, random.OneIn(8) ? 90 * kPage : 6 * kPage)));
          by.push_back(
              static_cast<uint32_t>(random.OneIn(50) ? random.Bits() : random.Between(1, 5)));
        }
      }
      AddToBoth(ids, by, &counts, &naive);
      if (random.OneIn(40)) copies.emplace_back(counts.Share(), naive);
    }
    copies.emplace_back(std::move(counts), naive);
    for (const auto& [copy, expected] : copies) {
      ASSERT_EQ(Of(copy), expected);
      ExpectPagesOf(copy, expected);
    }
    if (HasFailure()) return;
  }
}

TEST(NameCountsTest, CountsAreModulo32Bits) {
  NameCounts counts;
  counts.Add({7, 8, 7, kPage}, {3'000'000'000, 1, 2'000'000'000, static_cast<uint32_t>(-1)});
  EXPECT_EQ(Of(counts), (Naive{{7, 705'032'704}, {8, 1}, {kPage, 4'294'967'295}}));
  counts.Add({kPage}, {1});
  EXPECT_EQ(counts.end(), kPage) << "a page without counts is given back";
  counts.Add({7, 8}, {static_cast<uint32_t>(-705'032'704), static_cast<uint32_t>(-1)});
  EXPECT_EQ(counts.end(), 0U);
}

// Both may change, and neither sees it of the other.
TEST(NameCountsTest, CopiesShareNothingThatChanges) {
  NameCounts counts;
  counts.Add({1, kPage + 1}, {5, 6});
  NameCounts copy = counts.Share();
  NameCounts later = copy.Share();
  counts.Add({1}, {1});
  copy.Add({1, kPage + 1}, {2, static_cast<uint32_t>(-6)});
  EXPECT_EQ(Of(counts), (Naive{{1, 6}, {kPage + 1, 6}}));
  EXPECT_EQ(Of(copy), (Naive{{1, 7}}));
  EXPECT_EQ(Of(later), (Naive{{1, 5}, {kPage + 1, 6}}));
}

}  // namespace
}  // namespace fleetqshape
