#include "cli/options/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<LabelMatch> Parse(const std::string& text) {
  const auto parsed = ParseSelector(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status();
  return parsed.ok() ? *parsed : std::vector<LabelMatch>();
}

TEST(ParseSelector, EachForm) {
  const LabelMatch gateway{"role", {"gateway"}, false};
  EXPECT_THAT(Parse("role=gateway"), ElementsAre(gateway));
  EXPECT_THAT(Parse("role==gateway"), ElementsAre(gateway));
  EXPECT_THAT(Parse(" role = gateway "), ElementsAre(gateway));
  EXPECT_THAT(Parse("role!=gateway"), ElementsAre(LabelMatch{"role", {"gateway"}, true}));
  EXPECT_THAT(Parse("role in (a,b)"), ElementsAre(LabelMatch{"role", {"a", "b"}, false}));
  EXPECT_THAT(Parse("role in(a)"), ElementsAre(LabelMatch{"role", {"a"}, false}));
  EXPECT_THAT(Parse("role notin ( a , b )"), ElementsAre(LabelMatch{"role", {"a", "b"}, true}));
  EXPECT_THAT(Parse("role"), ElementsAre(LabelMatch{"role", {}, false}));
  EXPECT_THAT(Parse("!role"), ElementsAre(LabelMatch{"role", {}, true}));
  EXPECT_THAT(Parse("! role"), ElementsAre(LabelMatch{"role", {}, true}));
}

TEST(ParseSelector, CommaMeansAnd) {
  EXPECT_THAT(Parse("role in (a,b),!draining, site!=fra1,in=out"),
              ElementsAre(LabelMatch{"role", {"a", "b"}, false}, LabelMatch{"draining", {}, true},
                          LabelMatch{"site", {"fra1"}, true}, LabelMatch{"in", {"out"}, false}));
}

TEST(ParseSelector, RefusesTheRest) {
  for (const char* text : {"", ",", "role=", "=gateway", "role=a,", "role=a b", "role!", "!role=a",
                           "role in a", "role in ()", "role in (a", "role in (a,)", "role in (a)b",
                           "role===a", "(role)", "role~=a", "role=a\x1b", "role>5"}) {
    const auto parsed = ParseSelector(text);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("must be KEY=VALUE")) << text;
  }
  EXPECT_THAT(std::string(ParseSelector("role inn (a)").status().message()),
              HasSubstr("did you mean in?"));
}

}  // namespace
}  // namespace fleetqshape
