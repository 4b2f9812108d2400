#include "cli/output/fleet_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/output/answer_maker.h"

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;

// Two groups, two columns, one row, with ages.
v1::TableResponse WholeAnswer() {
  v1::TableResponse response;
  v1::TableHead* head = response.mutable_head();
  head->set_columns(2);
  head->add_groups()->set_name("a");
  head->add_groups()->set_name("b");
  for (const uint64_t count : {1, 1, 2, 2}) head->add_total(count);
  for (int group = 0; group < 2; ++group) {
    head->add_median_ages(5);
    head->add_oldest_ages(6 + group);
    response.add_median_ages(7);
    response.add_oldest_ages(8 + group);
  }
  response.add_names("x.example");
  for (const uint64_t count : {1, 1, 2, 2}) response.add_counts(count);
  return response;
}

TEST(FleetTableTest, AnAnswerComesInParts) {
  FleetTable table;
  v1::TableResponse response = WholeAnswer();
  EXPECT_TRUE(table.Append(&response).ok());
  response = WholeAnswer();
  response.clear_head();
  response.set_names(0, "y.example");
  response.set_counts(2, 4);
  EXPECT_TRUE(table.Append(&response).ok());
  EXPECT_TRUE(table.Finish().ok());
  EXPECT_THAT(table.names, ElementsAre("x.example", "y.example"));
  EXPECT_EQ(table.row(0, 1).counts[0], 2U);
  EXPECT_EQ(table.row(1, 1).counts[0], 4U);
  EXPECT_EQ(table.row(1, 1).oldest_age, 9);
  EXPECT_EQ(table.total(1).counts[0], 2U);
  EXPECT_EQ(table.total(1).oldest_age, 7);
  EXPECT_EQ(table.RowSum(1), 5U);
  const Table group = TableOfGroup(table, 1);
  EXPECT_THAT(group.total, ElementsAre(2, 2));
  EXPECT_THAT(group.counts, ElementsAre(2, 2, 4, 2));
}

TEST(FleetTableTest, AnAnswerWithoutGroupsOrAgesIsOneGroup) {
  FleetTable table;
  v1::TableResponse response;
  response.mutable_head()->set_columns(1);
  response.mutable_head()->add_total(3);
  response.mutable_head()->mutable_coverage()->set_relays(4);
  response.add_names("x");
  response.add_counts(3);
  EXPECT_TRUE(table.Append(&response).ok());
  EXPECT_EQ(table.groups(), 1U);
  EXPECT_EQ(table.head.groups(0).relays(), 4U);
  EXPECT_EQ(table.row(0, 0).oldest_age, -1);
  EXPECT_THAT(TableOfGroup(table, 0).counts, ElementsAre(3));
}

TEST(FleetTableTest, SizesThatDoNotFitAreDataLoss) {
  const auto accepts = [](const auto& change) {
    v1::TableResponse response = WholeAnswer();
    change(&response);
    FleetTable table;
    return table.Append(&response).ok();
  };
  using Response = v1::TableResponse;
  EXPECT_TRUE(accepts([](Response*) {}));
  EXPECT_FALSE(accepts([](Response* r) { r->clear_head(); }));
  EXPECT_FALSE(accepts([](Response* r) { r->mutable_head()->set_columns(0); }));
  EXPECT_FALSE(accepts([](Response* r) { r->mutable_head()->set_columns(UINT32_MAX); }));
  EXPECT_FALSE(accepts([](Response* r) { r->mutable_head()->add_total(1); }));
  EXPECT_FALSE(accepts([](Response* r) { r->mutable_head()->add_groups(); }));
  EXPECT_FALSE(accepts([](Response* r) { r->mutable_head()->add_median_ages(1); }));
  EXPECT_FALSE(accepts([](Response* r) { r->mutable_head()->clear_oldest_ages(); }));
  EXPECT_FALSE(accepts([](Response* r) { r->add_names("z"); }));
  EXPECT_FALSE(accepts([](Response* r) { r->add_counts(1); }));
  EXPECT_FALSE(accepts([](Response* r) { r->add_median_ages(1); }));
  EXPECT_FALSE(accepts([](Response* r) { r->clear_oldest_ages(); }));
  FleetTable twice;
  v1::TableResponse response = WholeAnswer();
  EXPECT_TRUE(twice.Append(&response).ok());
  response = WholeAnswer();
  EXPECT_FALSE(twice.Append(&response).ok());
  EXPECT_FALSE(FleetTable().Finish().ok());
}

}  // namespace
}  // namespace fleetqshape
