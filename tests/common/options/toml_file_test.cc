#include "common/options/toml_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseToml, TopLevelAndTablesInTheirOrder) {
  const auto tables = ParseToml(
      "server = \"mx:1\"\n"
      "[contexts.us]\ncluster = ['a', \"b\"]\n"
      "[contexts.eu]\nserver = 'eu:1'\n");
  ASSERT_TRUE(tables.ok()) << tables.status();
  ASSERT_EQ(tables->size(), 4);
  EXPECT_THAT((*tables)[0].path, IsEmpty());
  ASSERT_EQ((*tables)[0].keys.size(), 1);
  EXPECT_EQ((*tables)[0].keys[0].name, "server");
  EXPECT_THAT((*tables)[0].keys[0].values, ElementsAre("mx:1"));
  EXPECT_THAT((*tables)[1].path, ElementsAre("contexts"));
  EXPECT_THAT((*tables)[2].path, ElementsAre("contexts", "eu"));
  EXPECT_EQ((*tables)[2].line, 4);
  EXPECT_THAT((*tables)[3].path, ElementsAre("contexts", "us"));
  EXPECT_THAT((*tables)[3].keys[0].values, ElementsAre("a", "b"));
  EXPECT_EQ((*tables)[3].keys[0].line, 3);
}

TEST(ParseToml, ValuesAreTexts) {
  const auto tables = ParseToml("a = 5\nb = 0.5\nc = true\nd = \"x\\ty\"\ne = []\n");
  ASSERT_TRUE(tables.ok()) << tables.status();
  std::vector<std::string> values;
  for (const TomlKey& key : (*tables)[0].keys) {
    values.insert(values.end(), key.values.begin(), key.values.end());
  }
  EXPECT_THAT(values, ElementsAre("5", "0.5", "true", "x\ty"));
}

TEST(ParseToml, SaysWhereItIsWrong) {
  for (const char* text : {"a = 1\n[b\n", "a = 1\na = 2\n", "a = 1\nb = 1979-05-27\n",
                           "a = 1\nb = [[1]]\n", "a = 1\n[[b]]\nc = 1\n"}) {
    const auto tables = ParseToml(text);
    ASSERT_FALSE(tables.ok()) << text;
    EXPECT_THAT(tables.status().message(), HasSubstr("line 2")) << text;
  }
}

}  // namespace
}  // namespace fleetqshape
