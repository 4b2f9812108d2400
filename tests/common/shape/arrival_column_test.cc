#include "common/shape/arrival_column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kMaxNarrow = (int64_t{1} << 32) - 1;
constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();

ArrivalColumn Pushed(const std::vector<int64_t>& values) {
  ArrivalColumn column;
  for (const int64_t value : values) column.push_back(value);
  return column;
}

std::vector<int64_t> ValuesOf(const ArrivalColumn& column) {
  std::vector<int64_t> values;
  for (size_t i = 0; i < column.size(); ++i) values.push_back(column[i]);
  return values;
}

TEST(ArrivalColumnTest, AnEmptyOneIsNarrow) {
  const ArrivalColumn column;
  EXPECT_TRUE(column.empty());
  EXPECT_EQ(column.size(), 0U);
  EXPECT_TRUE(column.narrow());
  EXPECT_EQ(column.bytes(), 0U);
  EXPECT_EQ(column, ArrivalColumn({}));
}

TEST(ArrivalColumnTest, IsNarrowWhileAllIsBelow2To32) {
  const ArrivalColumn column = Pushed({1767225600, 0, kMaxNarrow});
  ASSERT_TRUE(column.narrow());
  EXPECT_THAT(column.narrow_values(), ElementsAre(1767225600, 0, kMaxNarrow));
  EXPECT_EQ(column.size(), 3U);
  EXPECT_FALSE(column.empty());
  EXPECT_EQ(column[2], kMaxNarrow);
}

TEST(ArrivalColumnTest, AnyOtherValueWidensItAndAllStaysExact) {
  for (const int64_t odd : {int64_t{-1}, kMaxNarrow + 1, kMin64, kMax64}) {
    SCOPED_TRACE(odd);
    for (const std::vector<int64_t>& values :
         {std::vector<int64_t>{odd}, {odd, 7}, {0, kMaxNarrow, odd}, {5, odd, 6, kMax64}}) {
      const ArrivalColumn column = Pushed(values);
      ASSERT_FALSE(column.narrow());
      EXPECT_EQ(std::vector<int64_t>(column.wide_values().begin(), column.wide_values().end()),
                values);
      EXPECT_EQ(ValuesOf(column), values);
    }
  }
}

TEST(ArrivalColumnTest, IsOfTheWidthItsValuesNeedHoweverItWasMade) {
  EXPECT_TRUE(ArrivalColumn({0, kMaxNarrow}).narrow());
  EXPECT_FALSE(ArrivalColumn({0, kMaxNarrow + 1}).narrow());
  EXPECT_FALSE(ArrivalColumn({-1}).narrow());
  EXPECT_EQ(ArrivalColumn({3, 4}), ArrivalColumn(std::vector<uint32_t>{3, 4}));
}

TEST(ArrivalColumnTest, EqualsByValue) {
  EXPECT_EQ(Pushed({3, 4}), Pushed({3, 4}));
  EXPECT_EQ(Pushed({3, -4}), Pushed({3, -4}));
  EXPECT_NE(Pushed({3, 4}), Pushed({3}));
  EXPECT_NE(Pushed({3, 4}), Pushed({3, -4}));
  // The same in the low 32 bits.
  EXPECT_NE(Pushed({kMaxNarrow}), Pushed({-1}));
  EXPECT_NE(Pushed({0}), Pushed({kMaxNarrow + 1}));
}

TEST(ArrivalColumnTest, VisitGivesTheValuesThatThereAre) {
  const auto width = [](const auto values) { return sizeof(values[0]); };
  EXPECT_EQ(Pushed({1}).Visit(width), 4U);
  EXPECT_EQ(Pushed({-1}).Visit(width), 8U);
}

TEST(ArrivalColumnTest, WhatIsReservedIsEnoughInBothWidths) {
  ArrivalColumn column;
  column.reserve(1000);
  EXPECT_EQ(column.bytes(), 4000U);
  for (int i = 0; i < 999; ++i) column.push_back(i);
  EXPECT_EQ(column.bytes(), 4000U);
  column.push_back(-1);
  EXPECT_EQ(column.bytes(), 8000U);
  EXPECT_EQ(column.size(), 1000U);
}

TEST(ArrivalColumnTest, HoldsAnyValuesInTheirOrder) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1000; ++round) {
    std::vector<int64_t> values;
    const unsigned bits = 30 + random() % 6;
    for (unsigned n = random() % 40; n > 0; --n) {
      values.push_back(static_cast<int64_t>(random() >> (64 - bits)));
      if (random() % 100 == 0) values.back() = static_cast<int64_t>(random());
    }
    const ArrivalColumn column = Pushed(values);
    ASSERT_EQ(ValuesOf(column), values) << round;
    ASSERT_EQ(column.narrow(), std::all_of(values.begin(), values.end(), ArrivalColumn::Fits));
    ASSERT_EQ(column, ArrivalColumn(values)) << round;
  }
}

}  // namespace
}  // namespace fleetqshape
