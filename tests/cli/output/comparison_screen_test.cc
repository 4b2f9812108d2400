#include "cli/output/comparison_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/output/answer_maker.h"

namespace fleetqshape {
namespace {

using test::MakeComparison;
using ::testing::Contains;

TableView View(double width) {
  TableView view;
  view.text.width = width;
  view.text.bucket_count = 3;
  return view;
}

std::string Text(const TableView& view) {
  return "\n" + PlainText(ComparisonScreen(MakeComparison(), view).text);
}

TEST(ComparisonScreenTest, GroupsStandSideBySideWithTheColumnsOfAgesIfTheyHaveRoom) {
  EXPECT_EQ(Text(View(100)), R"(
                   ------ gateway (2 relays) -------  ------- spam-relay (1 relay) -------
                     T share median oldest  5 10 10+     T share median oldest   5 10  10+
            TOTAL  133  100%    38m     2d 17 10 106  4699  100%  5h20m  4d19h 103 73 4523
dead-shop.example    0    0%      -      -  0  0   0  1397 29.7%  2d12h  4d19h   0  2 1395
    gmail.example   49 36.8%    40m  2h30m  7  6  36  1922 40.9%  3h53m  6h56m 100 62 1760
  outlook.example   84 63.2%     1h     2d 10  4  70  1380 29.4%     4h    10h   3  9 1368
)");
}

TEST(ComparisonScreenTest, InLessWidthTheColumnsOfAgesGo) {
  EXPECT_EQ(Text(View(80)), R"(
                   - gateway (2 relays) --  - spam-relay (1 relay) -
                     T share median oldest     T share median oldest
            TOTAL  133  100%    38m     2d  4699  100%  5h20m  4d19h
dead-shop.example    0    0%      -      -  1397 29.7%  2d12h  4d19h
    gmail.example   49 36.8%    40m  2h30m  1922 40.9%  3h53m  6h56m
  outlook.example   84 63.2%     1h     2d  1380 29.4%     4h    10h
)");
}

TEST(ComparisonScreenTest, InStillLessWidthTheGroupsAreStacked) {
  EXPECT_EQ(Text(View(60)), R"(
                          T share median oldest   5 10  10+
TOTAL
  gateway (2 relays)    133  100%    38m     2d  17 10  106
  spam-relay (1 relay) 4699  100%  5h20m  4d19h 103 73 4523
dead-shop.example
  gateway                 0    0%      -      -   0  0    0
  spam-relay           1397 29.7%  2d12h  4d19h   0  2 1395
gmail.example
  gateway                49 36.8%    40m  2h30m   7  6   36
  spam-relay           1922 40.9%  3h53m  6h56m 100 62 1760
outlook.example
  gateway                84 63.2%     1h     2d  10  4   70
  spam-relay           1380 29.4%     4h    10h   3  9 1368
)");
}

TEST(ComparisonScreenTest, ATerminalOfTwentyColumnsGetsTheSums) {
  TableView view = View(80);
  view.screen_columns = 20;
  EXPECT_EQ(Text(view), R"(
                   T
TOTAL
  gateway        133
  spam-relay    4699
dead-shop.example
  gateway          0
  spam-relay    1397
gmail.example
  gateway         49
  spam-relay    1922
outlook.example
  gateway         84
  spam-relay    1380
)");
  for (const ScreenLine& line : ComparisonScreen(MakeComparison(), view).text) {
    EXPECT_LE(line.Width(), 20U);
  }
}

TEST(ComparisonScreenTest, EveryWidthIsKept) {
  TableView view = View(80);
  for (view.screen_columns = 1; view.screen_columns < 130; ++view.screen_columns) {
    for (const ScreenLine& line : ComparisonScreen(MakeComparison(), view).text) {
      ASSERT_LE(line.Width(), view.screen_columns);
    }
  }
}

TEST(ComparisonScreenTest, WideHasAllWhateverTheWidth) {
  TableView view = View(80);
  view.wide = true;
  view.screen_columns = 40;
  EXPECT_EQ(Text(view), Text(View(1000)));
}

// The clean group is pale beside the one in trouble.
TEST(ComparisonScreenTest, HeatIsOfAllGroupsAlike) {
  const ScreenText text = ComparisonScreen(MakeComparison(), View(80)).text;
  ASSERT_EQ(text.size(), 6U);
  EXPECT_THAT(text[4].spans(), Contains(Span{Style::kHeat2, "49"}));
  EXPECT_THAT(text[4].spans(), Contains(Span{Style::kHeat5, "1922"}));
}

TEST(ComparisonScreenTest, HostileNamesOfGroupsAndRowsAreEscaped) {
  FleetTable answer = MakeComparison();
  answer.head.mutable_groups(0)->set_name("\x1b[2J\n");
  answer.names[0] = "\xff\r.example";
  for (const double width : {40, 80, 120}) {
    for (const ScreenLine& line : ComparisonScreen(answer, View(width)).text) {
      for (const char c : line.Text()) {
        ASSERT_GE(static_cast<unsigned char>(c), 0x20);
        ASSERT_LT(static_cast<unsigned char>(c), 0x7F);
      }
    }
  }
}

}  // namespace
}  // namespace fleetqshape
