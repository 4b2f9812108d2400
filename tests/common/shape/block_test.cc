#include "common/shape/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/common/shape/plain_cells.h"

namespace fleetqshape {
namespace {

using test::BlockOf;
using test::DeltaOf;
using ::testing::ElementsAre;

TEST(BlockBuilderTest, AnEmptyBlockHasOneOffset) {
  const Block block = BlockBuilder().Finish();
  EXPECT_EQ(block, Block());
  EXPECT_THAT(block.offsets, ElementsAre(0));
}

TEST(BlockBuilderTest, ColumnsStandByName) {
  BlockBuilder builder;
  builder.StartName(0);
  builder.AddArrival(-5);
  builder.AddArrival(7);
  builder.AddArrival(7);
  builder.StartName(std::numeric_limits<uint32_t>::max());
  builder.AddArrival(3);
  const Block block = builder.Finish();
  EXPECT_THAT(block.name_ids, ElementsAre(0, std::numeric_limits<uint32_t>::max()));
  EXPECT_THAT(block.offsets, ElementsAre(0, 3, 4));
  EXPECT_EQ(block.arrivals, ArrivalColumn({-5, 7, 7, 3}));
}

TEST(BlockBuilderTest, NamesWithoutArrivalsAreLeftOut) {
  BlockBuilder builder;
  builder.StartName(1);
  builder.StartName(2);
  builder.AddArrival(3);
  builder.StartName(4);
  builder.StartName(5);
  const Block block = builder.Finish();
  EXPECT_THAT(block.name_ids, ElementsAre(2));
  EXPECT_THAT(block.offsets, ElementsAre(0, 1));
}

TEST(BlockBuilderTest, StartsAnewAfterFinish) {
  BlockBuilder builder;
  builder.StartName(1);
  builder.AddArrival(3);
  builder.Finish();
  EXPECT_EQ(builder.Finish(), Block());
  builder.StartName(0);
  builder.AddArrival(4);
  EXPECT_EQ(builder.Finish(), BlockOf({{0, {4}}}));
}

TEST(BlockDeltaTest, IsEmptyIfNothingIsGainedOrLost) {
  EXPECT_TRUE(BlockDelta().empty());
  EXPECT_FALSE(DeltaOf({{1, {2}}}, {}).empty());
  EXPECT_FALSE(DeltaOf({}, {{1, {2}}}).empty());
}

}  // namespace
}  // namespace fleetqshape
