#include "cli/watch/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/output/answer_maker.h"

namespace fleetqshape {
namespace {

using test::MakeAnswer;

FleetTable TableOf(uint64_t rows) {
  FleetTable table =
      MakeAnswer({{"", 1}}, {{{30, 4}}}, {{"a.example", {{{20, 2}}}}, {"b.example", {{{10, 2}}}}});
  table.head.set_rows(rows);
  return table;
}

constexpr auto kExact = Growth::Kind::kExact;

TEST(Picture, GrowthOfRowsThatWereThere) {
  const Picture picture(TableOf(2), true, 0);
  EXPECT_EQ(picture.GrowthOf("a.example", 25), (Growth{kExact, 3}));
  EXPECT_EQ(picture.GrowthOf("b.example", 12), (Growth{kExact, 0}));
  EXPECT_EQ(picture.GrowthOf("b.example", 1), (Growth{kExact, -11}));
  EXPECT_EQ(picture.TotalGrowth(40), (Growth{kExact, 6}));
}

TEST(Picture, ARowThatIsNewHadNothingIfAllRowsWereThere) {
  EXPECT_EQ(Picture(TableOf(2), true, 0).GrowthOf("new.example", 7), (Growth{kExact, 7}));
  EXPECT_EQ(Picture(TableOf(2), false, 0).GrowthOf("new.example", 7), (Growth{kExact, 7}));
}

TEST(Picture, ARowThatWasCutOffHadNoMoreThanTheLast) {
  const Picture picture(TableOf(9), true, 0);
  EXPECT_EQ(picture.GrowthOf("new.example", 40), (Growth{Growth::Kind::kAtLeast, 28}));
  EXPECT_EQ(picture.GrowthOf("new.example", 12), Growth{});
  EXPECT_EQ(picture.GrowthOf("a.example", 23), (Growth{kExact, 1}));
}

TEST(Picture, NothingIsKnownOfRowsThatAnotherOrderCutOff) {
  EXPECT_EQ(Picture(TableOf(9), false, 0).GrowthOf("new.example", 40), Growth{});
}

TEST(Picture, GroupsAreSummed) {
  const Picture picture(test::MakeComparison(), false, 0);
  EXPECT_EQ(picture.GrowthOf("gmail.example", 49 + 1922 + 5), (Growth{kExact, 5}));
  EXPECT_EQ(picture.TotalGrowth(133 + 4699), (Growth{kExact, 0}));
}

TEST(Picture, AnEmptyTable) {
  const Picture picture(MakeAnswer({{"", 1}}, {{{0, 0}}}, {}), true, 5);
  EXPECT_EQ(picture.GrowthOf("a.example", 3), (Growth{kExact, 3}));
  EXPECT_EQ(picture.monotonic_milliseconds(), 5);
}

TEST(GrowthText, SaysWhatIsKnown) {
  EXPECT_EQ(GrowthText({}), "-");
  EXPECT_EQ(GrowthText({kExact, 0}), "0");
  EXPECT_EQ(GrowthText({kExact, 12}), "+12");
  EXPECT_EQ(GrowthText({kExact, -12}), "-12");
  EXPECT_EQ(GrowthText({Growth::Kind::kAtLeast, 12}), ">=12");
}

}  // namespace
}  // namespace fleetqshape
