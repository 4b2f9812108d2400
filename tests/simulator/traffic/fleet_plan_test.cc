#include "simulator/traffic/fleet_plan.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <string>

namespace fleetqshape {
namespace {

TEST(FleetPlanTest, MessagesAndRatesAddUp) {
  const auto plans =
      PlanFleet({.relays = 777, .first_relay = 5, .messages = 1'000'003, .rate = 50});
  ASSERT_EQ(plans.size(), 777U);
  uint64_t messages = 0;
  double rate = 0;
  for (const RelayPlan& plan : plans) {
    messages += plan.messages;
    rate += plan.rate;
    EXPECT_GT(plan.messages, 0U);
  }
  EXPECT_EQ(messages, 1'000'003U);
  EXPECT_NEAR(rate, 50, 1e-6);
}

TEST(FleetPlanTest, AFleetMayBeSharedAmongProcesses) {
  const auto all = PlanFleet({.relays = 100});
  const auto second_half = PlanFleet({.relays = 50, .first_relay = 50});
  std::set<std::string> hosts;
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(hosts.insert(all[i].host).second);
    if (i < 50) continue;
    EXPECT_EQ(second_half[i - 50].host, all[i].host);
    EXPECT_EQ(second_half[i - 50].cluster, all[i].cluster);
    EXPECT_EQ(second_half[i - 50].role, all[i].role);
    EXPECT_EQ(second_half[i - 50].seed, all[i].seed);
  }
}

TEST(FleetPlanTest, ClustersAndRoles) {
  const auto plans = PlanFleet({.relays = 1000, .clusters = 3, .gateways = 0.25});
  std::set<std::string> clusters;
  int gateways = 0;
  for (const RelayPlan& plan : plans) {
    clusters.insert(plan.cluster);
    gateways += plan.role == Role::kGateway ? 1 : 0;
    const v1::Hello hello = HelloOf(plan);
    EXPECT_EQ(hello.host(), plan.host);
    ASSERT_EQ(hello.labels_size(), 2);
    EXPECT_EQ(hello.labels(0).value(), plan.role == Role::kGateway ? "gateway" : "spam-relay");
  }
  EXPECT_EQ(clusters, (std::set<std::string>{"sim1", "sim2", "sim3"}));
  EXPECT_NEAR(gateways, 250, 60);
}

TEST(FleetPlanTest, AnotherSeedIsAnotherFleet) {
  EXPECT_NE(PlanFleet({.seed = 1, .relays = 1})[0].seed,
            PlanFleet({.seed = 2, .relays = 1})[0].seed);
}

}  // namespace
}  // namespace fleetqshape
