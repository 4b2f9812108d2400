#include "cli/output/display_width.h"

#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

TEST(DisplayWidthTest, WideCharactersTakeTwoColumnsAndCombiningMarksNone) {
  EXPECT_EQ(DisplayWidth(""), 0U);
  EXPECT_EQ(DisplayWidth("example"), 7U);
  EXPECT_EQ(DisplayWidth("bücher"), 6U);
  EXPECT_EQ(DisplayWidth("u\xcc\x88"), 1U);  // u and a combining diaeresis
  EXPECT_EQ(DisplayWidth("例子.jp"), 7U);
}

TEST(DisplayWidthTest, BrokenBytesTakeAColumnEach) { EXPECT_EQ(DisplayWidth("a\xff\xe4"), 3U); }

TEST(DisplayWidthTest, PartsHaveWholeCharacters) {
  EXPECT_EQ(FirstColumns("例子", 3), "例");
  EXPECT_EQ(FirstColumns("例子", 4), "例子");
  EXPECT_EQ(FirstColumns("例子", 0), "");
  EXPECT_EQ(LastColumns("例子", 3), "子");
  EXPECT_EQ(LastColumns("例子", 1), "");
  EXPECT_EQ(LastColumns("abc", 9), "abc");
  // A mark stays with its letter, at either cut.
  EXPECT_EQ(FirstColumns("u\xcc\x88x", 1), "u\xcc\x88");
  EXPECT_EQ(LastColumns("u\xcc\x88x", 1), "x");
}

TEST(DisplayWidthTest, NamesAreCutAtTheLeft) {
  EXPECT_EQ(RightJustifiedName("ab", 4), "  ab");
  EXPECT_EQ(RightJustifiedName("abcdef", 4), "+def");
  EXPECT_EQ(RightJustifiedName(".abcdef", 4), ".+ef");
  EXPECT_EQ(RightJustifiedName(".abcdef", 1), "+");
  EXPECT_EQ(RightJustifiedName("例子例子", 4), " +子");
  EXPECT_EQ(RightJustifiedName("例子", 5), " 例子");
}

TEST(DisplayWidthTest, PaddingCountsColumns) {
  EXPECT_EQ(PadLeft("例", 4), "  例");
  EXPECT_EQ(PadRight("例", 4), "例  ");
  EXPECT_EQ(PadRight("abc", 2), "abc");
}

}  // namespace
}  // namespace fleetqshape
