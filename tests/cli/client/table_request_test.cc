#include "cli/client/table_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;

TEST(TableRequestOf, CarriesWhatIsAsked) {
  CliOptions options;
  options.queues = {"deferred", "hold"};
  options.rows_by = "host";
  options.names = {"a.example", ".b.example"};
  options.min_age_seconds = 0;
  options.max_age_seconds = 3600;
  options.matches = {{"role", {"a", "b"}, true}};
  const v1::TableRequest request = TableRequestOf(options, false);
  EXPECT_THAT(request.queues(), ElementsAre(v1::QUEUE_DEFERRED, v1::QUEUE_HOLD));
  EXPECT_EQ(request.rows_by(), "host");
  EXPECT_THAT(request.names(), ElementsAre("a.example", ".b.example"));
  EXPECT_TRUE(request.has_min_age_seconds());
  EXPECT_EQ(request.max_age_seconds(), 3600);
  ASSERT_EQ(request.selection().matches_size(), 1);
  EXPECT_TRUE(request.selection().matches(0).negated());
  EXPECT_THAT(request.selection().matches(0).values(), ElementsAre("a", "b"));
  EXPECT_FALSE(request.has_comparison());
  EXPECT_FALSE(request.ages());
  EXPECT_EQ(request.order(), v1::ROW_ORDER_UNSPECIFIED);
}

TEST(TableRequestOf, Comparison) {
  CliOptions options;
  options.compare_key = "role";
  options.compare_values = {"gateway", "spam"};
  v1::TableRequest request = TableRequestOf(options, false);
  EXPECT_EQ(request.comparison().key(), "role");
  EXPECT_THAT(request.comparison().values(), ElementsAre("gateway", "spam"));
  EXPECT_EQ(request.order(), v1::ROW_ORDER_SHARE_DIFFERENCE);
  EXPECT_TRUE(request.ages());
  for (const auto& [sort, order] :
       std::vector<std::pair<std::string, v1::RowOrder>>{{"total", v1::ROW_ORDER_UNSPECIFIED},
                                                         {"name", v1::ROW_ORDER_NAME},
                                                         {"ratio", v1::ROW_ORDER_SHARE_RATIO},
                                                         {"spam", v1::ROW_ORDER_GROUP}}) {
    options.sort = sort;
    request = TableRequestOf(options, false);
    EXPECT_EQ(request.order(), order) << sort;
  }
  EXPECT_EQ(request.order_group(), 1);
  EXPECT_FALSE(SortsByUnknownGroup(options));
  options.compare_values.clear();
  EXPECT_TRUE(SortsByUnknownGroup(options));
}

TEST(TableRequestOf, AsksForTheRowsThatAreShown) {
  CliOptions options;
  EXPECT_EQ(TableRequestOf(options, false).max_rows(), 0);
  EXPECT_EQ(TableRequestOf(options, true).max_rows(), 20);
  options.redraw_rows = 2.5;
  EXPECT_EQ(TableRequestOf(options, true).max_rows(), 3);
  options.redraw_rows = 0;
  EXPECT_EQ(TableRequestOf(options, true).max_rows(), 0);
  options.redraw_rows = 20;
  options.output = Output::kJson;
  EXPECT_EQ(TableRequestOf(options, true).max_rows(), 0);
  options.max_rows = 7;
  EXPECT_EQ(TableRequestOf(options, false).max_rows(), 7);
}

TEST(TableRequestOf, AsksForAgesWhereTheyAreNeeded) {
  CliOptions options;
  options.fail_if = {{Threshold::Figure::kTotal, 1, false, ""}};
  EXPECT_FALSE(TableRequestOf(options, false).ages());
  options.fail_if[0].figure = Threshold::Figure::kOldest;
  EXPECT_TRUE(TableRequestOf(options, false).ages());
}

}  // namespace
}  // namespace fleetqshape
