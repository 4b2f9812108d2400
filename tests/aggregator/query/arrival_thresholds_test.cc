#include "aggregator/query/arrival_thresholds.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

template <typename Number>
std::vector<uint64_t> Naive(const std::vector<int64_t>& thresholds,
                            const std::vector<Number>& values) {
  std::vector<uint64_t> counts;
  for (const int64_t threshold : thresholds) {
    counts.push_back(0);
    for (const Number value : values) counts.back() += int64_t{value} >= threshold ? 1 : 0;
  }
  return counts;
}

template <typename Number>
std::vector<uint64_t> Counted(const std::vector<int64_t>& thresholds,
                              const std::vector<Number>& values) {
  std::vector<uint64_t> counts(thresholds.size(), 0);
  ArrivalThresholds(thresholds).CountNotBelow(absl::MakeConstSpan(values), counts.data());
  return counts;
}

// Around all borders of what is compared at a time, of values and of thresholds.
TEST(ArrivalThresholdsTest, CountsAsANaiveLoopDoes) {
  const std::vector<int64_t> edges = {std::numeric_limits<int64_t>::min(),
                                      -1,
                                      0,
                                      1,
                                      (int64_t{1} << 31) - 1,
                                      int64_t{1} << 31,
                                      (int64_t{1} << 31) + 1,
                                      (int64_t{1} << 32) - 1,
                                      int64_t{1} << 32,
                                      std::numeric_limits<int64_t>::max()};
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(300); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    std::vector<int64_t> thresholds;
    for (int64_t left = random.Between(0, 40); left > 0; --left) {
      thresholds.push_back(random.OneIn(4) ? random.OneOf(edges) : random.Between(0, 100));
    }
    std::vector<uint32_t> narrow;
    std::vector<int64_t> wide;
    for (int64_t left = random.OneIn(20) ? random.Between(4000, 9000) : random.Between(0, 70);
         left > 0; --left) {
      const int64_t value = random.OneIn(4) ? random.OneOf(edges) : random.Between(0, 100);
      wide.push_back(value);
      if (value >= 0 && value < int64_t{1} << 32) narrow.push_back(static_cast<uint32_t>(value));
    }
    ASSERT_EQ(Counted(thresholds, narrow), Naive(thresholds, narrow));
    ASSERT_EQ(Counted(thresholds, wide), Naive(thresholds, wide));
  }
}

TEST(ArrivalThresholdsTest, AddsToWhatIsThere) {
  std::vector<uint64_t> counts = {5, 7};
  ArrivalThresholds({10, 20}).CountNotBelow(absl::MakeConstSpan(std::vector<uint32_t>{9, 10, 25}),
                                            counts.data());
  EXPECT_EQ(counts, (std::vector<uint64_t>{7, 8}));
}

}  // namespace
}  // namespace fleetqshape
