#include "cli/output/figures.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace fleetqshape {
namespace {

TEST(DurationTextTest, HasItsTwoLargestUnitsAndNoZero) {
  EXPECT_EQ(DurationText(0), "0s");
  EXPECT_EQ(DurationText(59), "59s");
  EXPECT_EQ(DurationText(60), "1m");
  EXPECT_EQ(DurationText(3599), "59m");
  EXPECT_EQ(DurationText(7200), "2h");
  EXPECT_EQ(DurationText(7260), "2h1m");
  EXPECT_EQ(DurationText(86399), "23h59m");
  EXPECT_EQ(DurationText(2 * 86400), "2d");
  EXPECT_EQ(DurationText(2 * 86400 + 4 * 3600 + 59), "2d4h");
}

TEST(FiguresTest, AnAgeThatThereIsNoneOfIsAHyphen) {
  EXPECT_EQ(AgeText(-1), "-");
  EXPECT_EQ(AgeText(0), "0s");
}

TEST(FiguresTest, ThousandsAreGrouped) {
  EXPECT_EQ(GroupedCount(0), "0");
  EXPECT_EQ(GroupedCount(999), "999");
  EXPECT_EQ(GroupedCount(1000), "1,000");
  EXPECT_EQ(GroupedCount(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(FiguresTest, ASharesEndsAreWhatTheySay) {
  EXPECT_EQ(ShareText(0, 0), "-");
  EXPECT_EQ(ShareText(0, 5), "0%");
  EXPECT_EQ(ShareText(5, 5), "100%");
  EXPECT_EQ(ShareText(368, 1000), "36.8%");
  EXPECT_EQ(ShareText(1, 10'000), "<0.1%");
  EXPECT_EQ(ShareText(9'999, 10'000), ">99.9%");
  EXPECT_EQ(ShareText(3, 2), "150.0%");
}

TEST(FiguresTest, AnAbsurdTimeIsShownAsItIs) {
  EXPECT_EQ(TimeText(1'700'000'000), "2023-11-14 22:13:20 UTC");
  EXPECT_EQ(TimeText(INT64_MAX), "9223372036854775807 seconds since 1970");
}

}  // namespace
}  // namespace fleetqshape
