#include "agent/watch/name_table.h"

#include <gtest/gtest.h>

#include <string>

#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

TEST(NameTableTest, IdsAreGivenInOrderAndOnceAName) {
  NameTable names;
  EXPECT_EQ(names.Acquire("a"), 0U);
  EXPECT_EQ(names.Acquire("b"), 1U);
  EXPECT_EQ(names.Acquire("a"), 0U);
  EXPECT_EQ(names.size(), 2U);
  EXPECT_EQ(names.used(), 2U);
}

TEST(NameTableTest, ANameThatIsReleasedKeepsItsId) {
  NameTable names;
  const uint32_t id = names.Acquire("gone");
  names.Release(id);
  EXPECT_EQ(names.used(), 0U);
  EXPECT_EQ(names.size(), 1U);
  EXPECT_EQ(names.name(id), "gone");
  EXPECT_EQ(names.Acquire("other"), 1U);
  EXPECT_EQ(names.Acquire("gone"), id);
  EXPECT_EQ(names.used(), 2U);
}

TEST(NameTableTest, ANameIsInUseUntilItsLastUseEnds) {
  NameTable names;
  const uint32_t id = names.Acquire("twice");
  names.Acquire("twice");
  names.Release(id);
  EXPECT_EQ(names.used(), 1U);
  names.Release(id);
  EXPECT_EQ(names.used(), 0U);
}

TEST(NameTableTest, NamesAreBytes) {
  NameTable names;
  const std::string odd("\xff\0\n", 3);
  const uint32_t id = names.Acquire(odd);
  EXPECT_EQ(names.name(id), odd);
  EXPECT_EQ(names.hash(id), NameHash(odd));
  EXPECT_NE(names.Acquire(std::string("\xff", 1)), id);
  EXPECT_EQ(names.name(names.Acquire("")), "");
}

TEST(NameTableTest, NamesStayWhereTheyAreWhileTheTableGrows) {
  NameTable names;
  for (int i = 0; i < 10'000; ++i) names.Acquire("name" + std::to_string(i));
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "name" + std::to_string(i);
    ASSERT_EQ(names.Acquire(name), static_cast<uint32_t>(i));
    ASSERT_EQ(names.name(static_cast<uint32_t>(i)), name);
  }
}

}  // namespace
}  // namespace fleetqshape
