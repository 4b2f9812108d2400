// The report protocol, the aggregator and its store, whatever goes wrong: connections that break,
// streams of which one end does not know that they are over, crashes at any operation on the disk,
// torn logs, full and failing disks, damaged files, clocks that jump, lost changes, agents and
// aggregators that start again. What was acknowledged is on the disk, and once all is quiet every
// aggregator holds what the agents' models hold.

#include "tests/simulation/fleet_simulation.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/support/random_source.h"

namespace fleetqshape::test {
namespace {

constexpr uint64_t kShards = 8;
// 1,000 runs in all; with FLEETQSHAPE_LONG_TESTS 10,000.
constexpr uint64_t kRunsAShard = 125;

uint64_t RunsAShard() {
  return std::getenv("FLEETQSHAPE_LONG_TESTS") == nullptr ? kRunsAShard : 10 * kRunsAShard;
}

void ExpectAllHappened(const SimulatedEvents& events) {
  EXPECT_GT(events.acknowledged, kRunsAShard);
  EXPECT_GT(events.cut_streams, 0U);
  EXPECT_GT(events.garbled_streams, 0U);
  EXPECT_GT(events.lost_messages, 0U);
  EXPECT_GT(events.late_messages, 0U);
  EXPECT_GT(events.refused_twins, 0U);
  EXPECT_GT(events.agent_restarts, 0U);
  EXPECT_GT(events.renewed_names, 0U);
  EXPECT_GT(events.spoiled_changes, 0U);
  EXPECT_GT(events.healed, 0U);
  EXPECT_GT(events.clean_stops, 0U);
  EXPECT_GT(events.process_crashes, 0U);
  EXPECT_GT(events.machine_crashes, 0U);
  EXPECT_GT(events.crashes_at_an_operation, 0U);
  EXPECT_GT(events.failed_starts, 0U);
  EXPECT_GT(events.full_disks, 0U);
  EXPECT_GT(events.disk_errors, 0U);
  EXPECT_GT(events.recoveries, 0U);
  EXPECT_GT(events.duplicates, 0U);
  EXPECT_GT(events.damages, 0U);
  EXPECT_GT(events.damaged_relays, 0U);
  EXPECT_GT(events.clock_jumps, 0U);
  EXPECT_GT(events.forgotten, 0U);
}

class FleetSimulationTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(FleetSimulationTest, BecomesRightWhateverGoesWrong) {
  spdlog::set_level(spdlog::level::off);  // thousands of failures
  SimulatedEvents events;
  // FLEETQSHAPE_ONE_SEED: that one alone.
  if (const char* seed = std::getenv("FLEETQSHAPE_ONE_SEED")) {
    if (GetParam() == 0) FleetSimulation(std::strtoull(seed, nullptr, 10), &events).Run();
    return;
  }
  const uint64_t first = FirstSeed() + GetParam() * RunsAShard();
  for (uint64_t seed = first; seed < first + RunsAShard(); ++seed) {
    SCOPED_TRACE("run it alone with FLEETQSHAPE_ONE_SEED=" + std::to_string(seed));
    FleetSimulation(seed, &events).Run();
    if (HasFailure()) return;
  }
  std::printf("seeds %lu to %lu: %lu reports acknowledged; at rest after %lu s at most\n",
              static_cast<unsigned long>(first),
              static_cast<unsigned long>(first + RunsAShard() - 1),
              static_cast<unsigned long>(events.acknowledged),
              static_cast<unsigned long>(events.quiet_rounds));
  ExpectAllHappened(events);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FleetSimulationTest, ::testing::Range(uint64_t{0}, kShards),
                         [](const auto& info) { return "Shard" + std::to_string(info.param); });

}  // namespace
}  // namespace fleetqshape::test
