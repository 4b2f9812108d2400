#include "simulator/traffic/destinations.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fleetqshape {
namespace {

constexpr int64_t kNow = 1'700'000'000;

// Of the domains from 100 on.
double ShareOut(const Destinations& destinations, int64_t seconds) {
  int out = 0;
  for (DomainId id = 100; id < 20'100; ++id) out += destinations.IsOut(id, seconds) ? 1 : 0;
  return out / 20'000.0;
}

TEST(DestinationsTest, SharesAreAsAskedFor) {
  EXPECT_EQ(ShareOut(Destinations({.dead = 0, .outages = 0}), kNow), 0);
  EXPECT_EQ(ShareOut(Destinations({.dead = 1, .outages = 0}), kNow), 1);
  EXPECT_NEAR(ShareOut(Destinations({.dead = 0.1, .outages = 0}), kNow), 0.1, 0.01);
  EXPECT_NEAR(ShareOut(Destinations({.dead = 0, .outages = 0.2}), kNow), 0.2, 0.01);
}

TEST(DestinationsTest, DeadDomainsStayDeadAndOutagesEnd) {
  const Destinations dead({.dead = 0.1, .outages = 0});
  const Destinations outages({.dead = 0, .outages = 0.1});
  int ended = 0;
  for (DomainId id = 100; id < 1100; ++id) {
    EXPECT_EQ(dead.IsOut(id, kNow), dead.IsOut(id, kNow + 432'000));
    ended += outages.IsOut(id, kNow) && !outages.IsOut(id, kNow + 4 * 3600) ? 1 : 0;
  }
  EXPECT_GT(ended, 50);
}

TEST(DestinationsTest, OutagesDoNotBeginAtOnceForAll) {
  const Destinations destinations({.dead = 0, .outages = 0.5});
  int changes = 0;
  int most = 0;
  for (int minute = 0; minute < 60; ++minute) {
    int now = 0;
    for (DomainId id = 100; id < 1100; ++id) {
      now += destinations.IsOut(id, kNow + minute * 60) !=
                     destinations.IsOut(id, kNow + minute * 60 + 60)
                 ? 1
                 : 0;
    }
    changes += now;
    most = std::max(most, now);
  }
  EXPECT_NEAR(changes, 500, 100) << "each domain draws once an hour";
  EXPECT_LT(most, 50);
}

TEST(DestinationsTest, MailerDaemonIsNoDestinationAndTheLargestAreNeverDead) {
  const Destinations destinations({.dead = 1, .outages = 0});
  EXPECT_FALSE(destinations.IsOut(kMailerDaemon, kNow));
  EXPECT_FALSE(destinations.IsOut(1, kNow));
  EXPECT_TRUE(destinations.IsOut(1000, kNow));
}

TEST(DestinationsTest, SeedsDiffer) {
  const Destinations one({.seed = 1, .dead = 0.5});
  const Destinations two({.seed = 2, .dead = 0.5});
  int differ = 0;
  for (DomainId id = 100; id < 1100; ++id) {
    differ += one.IsOut(id, kNow) != two.IsOut(id, kNow) ? 1 : 0;
  }
  EXPECT_NEAR(differ, 500, 100);
}

TEST(DestinationsTest, DrawsThoseThatAreOut) {
  const Domains domains({.count = 1000});
  Random random(3);
  const Destinations some({.dead = 0.05, .outages = 0.01});
  int out = 0;
  for (const DomainId id : some.DrawOut(domains, kNow, 1000, &random)) {
    out += some.IsOut(id, kNow) ? 1 : 0;
  }
  EXPECT_GT(out, 950);
  // It ends though there is none.
  const Destinations none({.dead = 0, .outages = 0});
  EXPECT_EQ(none.DrawOut(domains, kNow, 1000, &random).size(), 1000U);
}

}  // namespace
}  // namespace fleetqshape
