#include "aggregator/ingest/fleet.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace fleetqshape {
namespace {

std::shared_ptr<const RelayDescription> Described(const std::string& host) {
  auto description = std::make_shared<RelayDescription>();
  description->identity = {"eu", host, "postfix"};
  return description;
}

TEST(SectionIndexTest, EachSectionHasAPlaceOfItsOwn) {
  std::set<size_t> places;
  for (Queue queue : kAllQueues) {
    for (Axis axis : kAllAxes) {
      EXPECT_LT(SectionIndex(queue, axis), kSectionCount);
      places.insert(SectionIndex(queue, axis));
    }
  }
  EXPECT_EQ(places.size(), kSectionCount);
}

TEST(FleetTest, ADescribedRelayStartsWithAnEmptyState) {
  Fleet fleet;
  EXPECT_TRUE(fleet.Snapshot().empty());
  fleet.Describe(7, Described("a"));
  const RelayView view = fleet.View(7);
  EXPECT_EQ(view.id, 7U);
  EXPECT_EQ(view.description->identity.ToString(), "eu/a/postfix");
  EXPECT_EQ(view.state->epoch, 0U);
  EXPECT_TRUE(view.state->names.empty());
  for (const auto& section : view.state->sections) EXPECT_EQ(*section, Block());
}

TEST(FleetTest, ANewDescriptionKeepsTheState) {
  Fleet fleet;
  fleet.Describe(7, Described("a"));
  auto state = EmptyRelayState();
  state->epoch = 5;
  fleet.SetState(7, state);
  fleet.Heard(7, {1000, 1000}, -5);
  EXPECT_FALSE(fleet.View(7).connected);
  fleet.SetConnected(7, true);
  fleet.Describe(7, Described("b"));
  const RelayView view = fleet.View(7);
  EXPECT_EQ(view.description->identity.host, "b");
  EXPECT_EQ(view.state->epoch, 5U);
  EXPECT_EQ(view.heard.wall_milliseconds, 1000);
  EXPECT_EQ(view.clock_offset_milliseconds, -5);
  EXPECT_TRUE(view.connected);
  fleet.SetConnected(7, false);
  EXPECT_FALSE(fleet.View(7).connected);
}

// A message that took long makes a clock look behind, never ahead.
TEST(FleetTest, TheClockOffsetIsTheLargestOfTheLastEight) {
  Fleet fleet;
  fleet.Describe(7, Described("a"));
  fleet.Heard(7, {1, 1}, -50);
  EXPECT_EQ(fleet.View(7).clock_offset_milliseconds, -50);
  fleet.Heard(7, {2, 2}, 100);
  for (int64_t i = 0; i < 7; ++i) {
    fleet.Heard(7, {3 + i, 3 + i}, 90 - 10 * i);
    EXPECT_EQ(fleet.View(7).clock_offset_milliseconds, 100);
    EXPECT_EQ(fleet.View(7).heard.wall_milliseconds, 3 + i);
  }
  fleet.Heard(7, {10, 10}, 20);
  EXPECT_EQ(fleet.View(7).clock_offset_milliseconds, 90) << "100 is the ninth by now";
  fleet.Describe(7, Described("a"));
  fleet.Heard(7, {11, 11}, -3000);
  EXPECT_EQ(fleet.View(7).clock_offset_milliseconds, -3000) << "another agent";
}

TEST(FleetTest, ASnapshotIsByRisingIdAndDoesNotChange) {
  Fleet fleet;
  fleet.Describe(9, Described("nine"));
  fleet.Describe(2, Described("two"));
  const std::vector<RelayView> before = fleet.Snapshot();
  auto state = EmptyRelayState();
  state->epoch = 5;
  fleet.SetState(2, state);
  fleet.Describe(4, Described("four"));
  ASSERT_EQ(before.size(), 2U);
  EXPECT_EQ(before[0].id, 2U);
  EXPECT_EQ(before[1].id, 9U);
  EXPECT_EQ(before[0].state->epoch, 0U);
  EXPECT_EQ(fleet.Snapshot().size(), 3U);
  EXPECT_EQ(fleet.View(2).state->epoch, 5U);
}

}  // namespace
}  // namespace fleetqshape
