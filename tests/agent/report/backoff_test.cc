#include "agent/report/backoff.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

constexpr int64_t kLongest[] = {100, 200, 400, 800, 1600, 2000, 2000, 2000};

TEST(BackoffTest, DelaysDoubleUpToTwoSecondsAndAreDrawnFromTheUpperHalf) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + 200; ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    Backoff backoff([&random] { return random.Bits(); });
    for (int64_t longest : kLongest) {
      const int64_t delay = backoff.NextDelayMilliseconds();
      EXPECT_GE(delay, longest / 2);
      EXPECT_LE(delay, longest);
    }
  }
}

TEST(BackoffTest, BothEndsOfTheRangeComeUp) {
  Backoff shortest([] { return uint64_t{0}; });
  EXPECT_EQ(shortest.NextDelayMilliseconds(), 50);
  EXPECT_EQ(shortest.NextDelayMilliseconds(), 100);
  Backoff longest([] { return uint64_t{50}; });
  EXPECT_EQ(longest.NextDelayMilliseconds(), 100);
  Backoff extreme([] { return std::numeric_limits<uint64_t>::max(); });
  for (int64_t bound : kLongest) EXPECT_LE(extreme.NextDelayMilliseconds(), bound);
}

TEST(BackoffTest, AfterAConnectionThatWorkedItStartsAgain) {
  Backoff backoff([] { return uint64_t{0}; });
  for (int i = 0; i < 5; ++i) backoff.NextDelayMilliseconds();
  backoff.Reset();
  EXPECT_EQ(backoff.NextDelayMilliseconds(), 50);
  EXPECT_EQ(backoff.NextDelayMilliseconds(), 100);
}

}  // namespace
}  // namespace fleetqshape
