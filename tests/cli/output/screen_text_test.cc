#include "cli/output/screen_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;

TEST(ScreenLineTest, NeighboursOfAStyleAreOneSpan) {
  ScreenLine line("a");
  line.Add("b");
  line.Add("");
  line.Add("c", Style::kHead);
  line.AddSpaces(2, Style::kHead);
  line.Add(ScreenLine("d", Style::kHead));
  EXPECT_THAT(line.spans(), ElementsAre(Span{Style::kPlain, "ab"}, Span{Style::kHead, "c  d"}));
  EXPECT_EQ(line.Text(), "abc  d");
  EXPECT_EQ(line.Width(), 6U);
}

TEST(ScreenLineTest, ACutKeepsStylesAndWholeCharacters) {
  ScreenLine line("ab");
  line.Add("例子", Style::kBad);
  line.Add("c");
  EXPECT_THAT(line.Cut(5).spans(), ElementsAre(Span{Style::kPlain, "ab"}, Span{Style::kBad, "例"}));
  EXPECT_THAT(line.Cut(1).spans(), ElementsAre(Span{Style::kPlain, "a"}));
  EXPECT_EQ(line.Cut(7).Text(), "ab例子c");
  EXPECT_TRUE(line.Cut(0).spans().empty());
}

TEST(ScreenTextTest, PlainTextIsLines) {
  EXPECT_EQ(PlainText({ScreenLine("a"), ScreenLine(), ScreenLine("b", Style::kBad)}), "a\n\nb\n");
}

TEST(HeatTest, EachLevelIsAboutFourTimesTheOneBefore) {
  EXPECT_EQ(HeatOf(0, 0), Style::kDim);
  EXPECT_EQ(HeatOf(0, 100), Style::kDim);
  EXPECT_EQ(HeatOf(1, 1), Style::kHeat5);
  EXPECT_EQ(HeatOf(500, 1000), Style::kHeat5);
  EXPECT_EQ(HeatOf(499, 1000), Style::kHeat4);
  EXPECT_EQ(HeatOf(124, 1000), Style::kHeat3);
  EXPECT_EQ(HeatOf(31, 1000), Style::kHeat2);
  EXPECT_EQ(HeatOf(7, 1000), Style::kHeat1);
}

}  // namespace
}  // namespace fleetqshape
