#include "simulator/rpc/fleet_run.h"

#include <gtest/gtest.h>

#include <chrono>

#include "common/base/clock.h"

namespace fleetqshape {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

class FleetRunTest : public ::testing::Test {
 protected:
  const Domains domains_{{.count = 1000}};
  const Destinations destinations_{{}};
  const SimulatedRelay::World world_{&domains_, &destinations_, {}};
  SystemClock clock_;
  // Where nobody listens.
  const RunOptions options_{.aggregator = "127.0.0.1:9", .patience_milliseconds = 1000};
  FleetRun run_{options_, world_, PlanFleet({.relays = 3, .messages = 100}), &clock_};
};

// Queues without a beginning would be given the mail of all the time since 1970.
TEST_F(FleetRunTest, AStopBeforeTheQueuesAreMadeEndsItAtOnce) {
  const auto begun = steady_clock::now();
  run_.Stop();
  const RunFigures figures = run_.Run([](const char*, const RunFigures&) {});
  EXPECT_LT(steady_clock::now() - begun, seconds(5));
  EXPECT_EQ(figures.never_welcome, 3U);
  EXPECT_EQ(figures.messages, 0U);
  EXPECT_FALSE(figures.AllWell());
}

}  // namespace
}  // namespace fleetqshape
