#include "cli/client/fleet_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;

TEST(SummedTable, AddsUpTheGroups) {
  FleetTable answer;
  answer.head.set_columns(2);
  answer.head.add_groups();
  answer.head.add_groups();
  for (const uint64_t count : {1, 2, 30, 40}) answer.head.add_total(count);
  answer.names = {"a", "b"};
  answer.counts = {1, 2, 10, 20, 3, 4, 30, 40};
  const Table table = SummedTable(answer);
  EXPECT_EQ(table.columns, 2);
  EXPECT_THAT(table.total, ElementsAre(31, 42));
  EXPECT_THAT(table.names, ElementsAre("a", "b"));
  EXPECT_THAT(table.counts, ElementsAre(11, 22, 33, 44));
}

}  // namespace
}  // namespace fleetqshape
