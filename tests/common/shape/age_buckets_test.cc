#include "common/shape/age_buckets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace fleetqshape {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

size_t BucketOf(const BucketOptions& options, double age) {
  return AgeBuckets(options).BucketOf(age);
}

// The bucket that ArrivalEdges gives to an arrival, by its contract.
size_t BucketByEdges(const std::vector<int64_t>& edges, int64_t arrival) {
  for (size_t k = 0; k < edges.size(); ++k) {
    if (arrival >= edges[k] && (k == 0 || arrival < edges[k - 1])) return k + 1;
  }
  return 0;
}

TEST(AgeBucketsTest, EdgesAreExactAtDoublingAges) {
  const AgeBuckets buckets({50, 5, false});
  for (int k = 0; k <= 40; ++k) {
    const double edge = 5.0 * 60 * std::pow(2, k);
    const auto bucket = static_cast<size_t>(k + 2);
    EXPECT_EQ(buckets.BucketOf(edge - 1), bucket - 1) << k;
    EXPECT_EQ(buckets.BucketOf(edge), bucket) << k;
    EXPECT_EQ(buckets.BucketOf(edge + 1), bucket) << k;
  }
}

TEST(AgeBucketsTest, EdgesAreExactWithLinearAges) {
  const AgeBuckets buckets({50, 7, true});
  for (int k = 1; k < 50; ++k) {
    const double edge = 7.0 * 60 * k;
    const auto bucket = static_cast<size_t>(k + 1);
    EXPECT_EQ(buckets.BucketOf(edge - 1), bucket - 1) << k;
    EXPECT_EQ(buckets.BucketOf(edge), bucket) << k;
    EXPECT_EQ(buckets.BucketOf(edge + 1), bucket) << k;
  }
}

TEST(AgeBucketsTest, TheLastBucketHasNoEnd) {
  for (const bool linear : {false, true}) {
    EXPECT_EQ(BucketOf({10, 5, linear}, 1e9), 10U);
    EXPECT_EQ(BucketOf({10, 5, linear}, kInf), 10U);
    EXPECT_EQ(BucketOf({1, 5, linear}, 1e9), 1U);
    EXPECT_EQ(BucketOf({100'000, 5, linear}, kInf), 100'000U);
  }
}

TEST(AgeBucketsTest, TheFirstBucketTakesWhatIsYetToCome) {
  EXPECT_EQ(BucketOf({10, 5, false}, -1), 1U);
  EXPECT_EQ(BucketOf({10, 5, true}, -1e18), 1U);
  EXPECT_EQ(BucketOf({10, 5, false}, -kInf), 1U);
}

// perl -e 'print 2 + int(log($m) / log(2))': log2 would give 42 here.
TEST(AgeBucketsTest, TheLogarithmIsPerls) {
  EXPECT_EQ(BucketOf({60, 7, false}, 7.0 * 60 * std::pow(2, 40) - 1), 41U);
}

// Expected values: qshape's bucket() in perl 5.36.
TEST(AgeBucketsTest, CountsAsQshapeDoes) {
  struct Case {
    double count, minutes;
    bool linear;
    double age;
    size_t expected;
  };
  const std::vector<Case> cases = {
      {10, 5, false, -1000000000, 1},
      {10, 5, false, -1, 1},
      {10, 5, false, 0, 1},
      {10, 5, false, 1, 1},
      {10, 5, false, 59.999, 1},
      {10, 5, false, 299, 1},
      {10, 5, false, 300, 2},
      {10, 5, false, 301, 2},
      {10, 5, false, 599, 2},
      {10, 5, false, 600, 3},
      {10, 5, false, 601, 3},
      {10, 5, false, 6172, 6},
      {10, 5, false, 187899, 10},
      {10, 5, false, 1333251, 10},
      {10, 5, false, 1e300, 10},
      {10, 5, false, kInf, 10},
      {10, 5, false, -kInf, 1},
      {10, 5, false, kNaN, 10},
      {10, 0.5, false, -1000000000, 1},
      {10, 0.5, false, -1, 1},
      {10, 0.5, false, 0, 1},
      {10, 0.5, false, 1, 1},
      {10, 0.5, false, 59.999, 2},
      {10, 0.5, false, 299, 5},
      {10, 0.5, false, 300, 5},
      {10, 0.5, false, 301, 5},
      {10, 0.5, false, 599, 6},
      {10, 0.5, false, 600, 6},
      {10, 0.5, false, 601, 6},
      {10, 0.5, false, 5, 1},
      {10, 0.5, false, 1143109, 10},
      {10, 0.5, false, 404828103768, 10},
      {10, 0.5, false, 258622171048, 10},
      {10, 0.5, false, 1e300, 10},
      {10, 0.5, false, kInf, 10},
      {10, 0.5, false, -kInf, 1},
      {10, 0.5, false, kNaN, 10},
      {12, 0.1, false, -1000000000, 1},
      {12, 0.1, false, -1, 1},
      {12, 0.1, false, 0, 1},
      {12, 0.1, false, 1, 1},
      {12, 0.1, false, 59.999, 5},
      {12, 0.1, false, 299, 7},
      {12, 0.1, false, 300, 7},
      {12, 0.1, false, 301, 7},
      {12, 0.1, false, 599, 8},
      {12, 0.1, false, 600, 8},
      {12, 0.1, false, 601, 8},
      {12, 0.1, false, 253468136426, 12},
      {12, 0.1, false, 143, 6},
      {12, 0.1, false, 5635, 11},
      {12, 0.1, false, 2374737226, 12},
      {12, 0.1, false, 1e300, 12},
      {12, 0.1, false, kInf, 12},
      {12, 0.1, false, -kInf, 1},
      {12, 0.1, false, kNaN, 12},
      {3.7, 5, false, -1000000000, 1},
      {3.7, 5, false, -1, 1},
      {3.7, 5, false, 0, 1},
      {3.7, 5, false, 1, 1},
      {3.7, 5, false, 59.999, 1},
      {3.7, 5, false, 299, 1},
      {3.7, 5, false, 300, 2},
      {3.7, 5, false, 301, 2},
      {3.7, 5, false, 599, 2},
      {3.7, 5, false, 600, 3},
      {3.7, 5, false, 601, 3},
      {3.7, 5, false, 34, 1},
      {3.7, 5, false, 1286935369, 3},
      {3.7, 5, false, 19568, 3},
      {3.7, 5, false, 82496945966, 3},
      {3.7, 5, false, 1e300, 3},
      {3.7, 5, false, kInf, 3},
      {3.7, 5, false, -kInf, 1},
      {3.7, 5, false, kNaN, 3},
      {40, 7, false, -1000000000, 1},
      {40, 7, false, -1, 1},
      {40, 7, false, 0, 1},
      {40, 7, false, 1, 1},
      {40, 7, false, 59.999, 1},
      {40, 7, false, 299, 1},
      {40, 7, false, 300, 1},
      {40, 7, false, 301, 1},
      {40, 7, false, 599, 2},
      {40, 7, false, 600, 2},
      {40, 7, false, 601, 2},
      {40, 7, false, 1846281, 14},
      {40, 7, false, 632, 2},
      {40, 7, false, 5273749, 15},
      {40, 7, false, 1679936, 13},
      {40, 7, false, 1e300, 40},
      {40, 7, false, kInf, 40},
      {40, 7, false, -kInf, 1},
      {40, 7, false, kNaN, 40},
      {5, 5, true, -1000000000, 1},
      {5, 5, true, -1, 1},
      {5, 5, true, 0, 1},
      {5, 5, true, 1, 1},
      {5, 5, true, 59.999, 1},
      {5, 5, true, 299, 1},
      {5, 5, true, 300, 2},
      {5, 5, true, 301, 2},
      {5, 5, true, 599, 2},
      {5, 5, true, 600, 3},
      {5, 5, true, 601, 3},
      {5, 5, true, 182885, 5},
      {5, 5, true, 33730, 5},
      {5, 5, true, 7100973, 5},
      {5, 5, true, 431, 2},
      {5, 5, true, 1e300, 5},
      {5, 5, true, kInf, 5},
      {5, 5, true, -kInf, 1},
      {5, 5, true, kNaN, 5},
      {20, 0.07, true, -1000000000, 1},
      {20, 0.07, true, -1, 1},
      {20, 0.07, true, 0, 1},
      {20, 0.07, true, 1, 1},
      {20, 0.07, true, 59.999, 15},
      {20, 0.07, true, 299, 20},
      {20, 0.07, true, 300, 20},
      {20, 0.07, true, 301, 20},
      {20, 0.07, true, 599, 20},
      {20, 0.07, true, 600, 20},
      {20, 0.07, true, 601, 20},
      {20, 0.07, true, 919, 20},
      {20, 0.07, true, 634971, 20},
      {20, 0.07, true, 37622432063, 20},
      {20, 0.07, true, 1568, 20},
      {20, 0.07, true, 1e300, 20},
      {20, 0.07, true, kInf, 20},
      {20, 0.07, true, -kInf, 1},
      {20, 0.07, true, kNaN, 20},
      {6, 33.3, true, -1000000000, 1},
      {6, 33.3, true, -1, 1},
      {6, 33.3, true, 0, 1},
      {6, 33.3, true, 1, 1},
      {6, 33.3, true, 59.999, 1},
      {6, 33.3, true, 299, 1},
      {6, 33.3, true, 300, 1},
      {6, 33.3, true, 301, 1},
      {6, 33.3, true, 599, 1},
      {6, 33.3, true, 600, 1},
      {6, 33.3, true, 601, 1},
      {6, 33.3, true, 169832447, 6},
      {6, 33.3, true, 1389, 1},
      {6, 33.3, true, 3935, 2},
      {6, 33.3, true, 94215632, 6},
      {6, 33.3, true, 1e300, 6},
      {6, 33.3, true, kInf, 6},
      {6, 33.3, true, -kInf, 1},
      {6, 33.3, true, kNaN, 6},
      {10, 1000000, false, -1000000000, 1},
      {10, 1000000, false, -1, 1},
      {10, 1000000, false, 0, 1},
      {10, 1000000, false, 1, 1},
      {10, 1000000, false, 59.999, 1},
      {10, 1000000, false, 299, 1},
      {10, 1000000, false, 300, 1},
      {10, 1000000, false, 301, 1},
      {10, 1000000, false, 599, 1},
      {10, 1000000, false, 600, 1},
      {10, 1000000, false, 601, 1},
      {10, 1000000, false, 24403192792, 10},
      {10, 1000000, false, 56838, 1},
      {10, 1000000, false, 9349, 1},
      {10, 1000000, false, 23340159, 1},
      {10, 1000000, false, 1e300, 10},
      {10, 1000000, false, kInf, 10},
      {10, 1000000, false, -kInf, 1},
      {10, 1000000, false, kNaN, 10},
      {0.5, 5, false, -1000000000, 1},
      {0.5, 5, false, -1, 1},
      {0.5, 5, false, 0, 1},
      {0.5, 5, false, 1, 1},
      {0.5, 5, false, 59.999, 1},
      {0.5, 5, false, 299, 1},
      {0.5, 5, false, 300, 0},
      {0.5, 5, false, 301, 0},
      {0.5, 5, false, 599, 0},
      {0.5, 5, false, 600, 0},
      {0.5, 5, false, 601, 0},
      {0.5, 5, false, 5694, 0},
      {0.5, 5, false, 8724451, 0},
      {0.5, 5, false, 29, 1},
      {0.5, 5, false, 14868847, 0},
      {0.5, 5, false, 1e300, 0},
      {0.5, 5, false, kInf, 0},
      {0.5, 5, false, -kInf, 1},
      {0.5, 5, false, kNaN, 0},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(BucketOf({c.count, c.minutes, c.linear}, c.age), c.expected)
        << "-b " << c.count << " -t " << c.minutes << (c.linear ? " -l" : "") << ", age " << c.age;
  }
}

TEST(AgeBucketsTest, ColumnsAreTheSumAndTheWholeBuckets) {
  EXPECT_EQ(AgeBuckets({10, 5, false}).columns(), 11U);
  EXPECT_EQ(AgeBuckets({1, 5, false}).columns(), 2U);
  EXPECT_EQ(AgeBuckets({3.7, 5, false}).columns(), 4U);
  EXPECT_EQ(AgeBuckets({0.5, 5, false}).columns(), 1U);
  EXPECT_EQ(AgeBuckets({100'000, 5, true}).columns(), 100'001U);
}

TEST(AgeBucketsTest, BucketsHaveAColumnFromOneBucketOn) {
  for (const double count : {1.0, 1.5, 2.0, 3.7, 10.0}) {
    const AgeBuckets buckets({count, 5, false});
    for (const double age : {-kInf, -1.0, 0.0, 300.0, 1e6, kInf, kNaN}) {
      EXPECT_GE(buckets.BucketOf(age), 1U) << count << ' ' << age;
      EXPECT_LT(buckets.BucketOf(age), buckets.columns()) << count << ' ' << age;
    }
  }
}

TEST(ArrivalEdgesTest, StandWhereTheAgesSay) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(AgeBuckets({4, 5, false}).ArrivalEdges(10'000),
            (std::vector<int64_t>{10'000 - 299, 10'000 - 599, 10'000 - 1199, kMin}));
  EXPECT_EQ(AgeBuckets({3, 5, true}).ArrivalEdges(0), (std::vector<int64_t>{-299, -599, kMin}));
  EXPECT_EQ(AgeBuckets({1, 5, false}).ArrivalEdges(10'000), (std::vector<int64_t>{kMin}));
  EXPECT_EQ(AgeBuckets({3.7, 5, false}).ArrivalEdges(10'000),
            (std::vector<int64_t>{10'000 - 299, 10'000 - 599, kMin}));
}

TEST(ArrivalEdgesTest, BucketsNarrowerThanASecondStayEmpty) {
  // Widths of 0.6 s: ages of 0, 1, 2, 3 s are in the linear buckets 1, 2, 4, 6.
  const auto edges = AgeBuckets({7, 0.01, true}).ArrivalEdges(100);
  EXPECT_EQ(edges,
            (std::vector<int64_t>{100, 99, 99, 98, 98, 97, std::numeric_limits<int64_t>::min()}));
}

TEST(ArrivalEdgesTest, ABucketWiderThanAllTimeTakesEverything) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(AgeBuckets({3, 1e300, false}).ArrivalEdges(1'700'000'000),
            (std::vector<int64_t>{kMin, kMin, kMin}));
  EXPECT_EQ(AgeBuckets({2, kInf, false}).ArrivalEdges(5), (std::vector<int64_t>{kMin, kMin}));
}

TEST(ArrivalEdgesTest, AgreeWithBucketOf) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  for (int round = 0; round < 400; ++round) {
    BucketOptions options;
    options.linear = random() % 2 == 0;
    options.bucket_count =
        random() % 3 == 0 ? uniform(1, 30) : static_cast<double>(1 + random() % 40);
    options.bucket_minutes =
        random() % 3 == 0 ? static_cast<double>(1 + random() % 60) : std::exp(uniform(-6, 14));
    const AgeBuckets buckets(options);
    const auto now = static_cast<int64_t>(random() % 2'000'000'000);
    const std::vector<int64_t> edges = buckets.ArrivalEdges(now);
    ASSERT_EQ(edges.size(), buckets.columns() - 1);
    const auto expect = [&](int64_t arrival) {
      ASSERT_EQ(BucketByEdges(edges, arrival), buckets.BucketOf(static_cast<double>(now - arrival)))
          << "-b " << options.bucket_count << " -t " << options.bucket_minutes
          << (options.linear ? " -l" : "") << ", now " << now << ", arrival " << arrival;
    };
    for (const int64_t edge : edges) {
      if (edge == std::numeric_limits<int64_t>::min()) continue;
      for (int64_t arrival = edge - 2; arrival <= edge + 2; ++arrival) expect(arrival);
    }
    for (int i = 0; i < 200; ++i) {
      expect(now - static_cast<int64_t>(std::exp(uniform(0, 36))) +
             static_cast<int64_t>(random() % 100));
    }
  }
}

}  // namespace
}  // namespace fleetqshape
