#include "simulator/rpc/latencies.h"

#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

TEST(LatenciesTest, Quantiles) {
  Latencies latencies;
  EXPECT_EQ(latencies.Quantile(0.5), 0);
  for (int64_t i = 1; i <= 100; ++i) latencies.Add(i);
  EXPECT_EQ(latencies.count(), 100U);
  EXPECT_EQ(latencies.Quantile(0), 1);
  EXPECT_EQ(latencies.Quantile(0.5), 50);
  EXPECT_EQ(latencies.Quantile(0.99), 99);
  EXPECT_EQ(latencies.Quantile(1), 100);
  latencies.Add(3'600'000);
  latencies.Add(-5);
  EXPECT_EQ(latencies.Quantile(0), 0);
  EXPECT_EQ(latencies.Quantile(1), 60'000);
}

}  // namespace
}  // namespace fleetqshape
