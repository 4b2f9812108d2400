#include "common/options/value_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SplitValues, TakesValuesFromAllWords) {
  std::vector<std::string> words = {"a,b", "c"};
  ASSERT_TRUE(SplitValues("--host", &words).ok());
  EXPECT_THAT(words, ElementsAre("a", "b", "c"));
  words.clear();
  ASSERT_TRUE(SplitValues("--host", &words).ok());
  EXPECT_THAT(words, IsEmpty());
}

TEST(SplitValues, LeavesAnEmptyWord) {
  std::vector<std::string> words = {""};
  ASSERT_TRUE(SplitValues("--host", &words).ok());
  EXPECT_THAT(words, ElementsAre(""));
}

TEST(SplitValues, RefusesAnEmptyValue) {
  for (const auto& [word, where] :
       std::vector<std::pair<std::string, std::string>>{{",", "before the first comma"},
                                                        {",a", "before the first comma"},
                                                        {"a,", "after the last comma"},
                                                        {"a,,b", "between two commas"}}) {
    std::vector<std::string> words = {word};
    EXPECT_EQ(SplitValues("--host", &words).message(),
              "--host " + word + ": there is nothing " + where);
  }
}

}  // namespace
}  // namespace fleetqshape
