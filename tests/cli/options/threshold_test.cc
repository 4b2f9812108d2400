#include "cli/options/threshold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;
using Figure = Threshold::Figure;

TEST(ParseThreshold, ReadsFigureAndLimit) {
  for (const Threshold& expected :
       std::vector<Threshold>{{Figure::kTotal, 10000, false, "total>10000"},
                              {Figure::kTotal, 1, true, "total>=1"},
                              {Figure::kOldest, 14400, false, "oldest>4h"},
                              {Figure::kOldest, 5400, true, " oldest >= 1h30m "}}) {
    const auto parsed = ParseThreshold(expected.text);
    ASSERT_TRUE(parsed.ok()) << expected.text;
    EXPECT_EQ(*parsed, expected) << expected.text;
  }
}

TEST(ParseThreshold, RefusesTheRest) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"", "must be as"},
           {"total", "must be as"},
           {"total<5", "must be as"},
           {"total>", "the number that TOTAL shows"},
           {"total>4h", "the number that TOTAL shows"},
           {"total>-1", "the number that TOTAL shows"},
           {"total>99999999999999999999", "the number that"},
           {"oldest>x", "must be a time"},
           {"oldest>", "must be a time"},
           {"totl>5", "did you mean total?"},
           {"median>5", "there is no figure median"}}) {
    const auto parsed = ParseThreshold(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(what)) << text;
  }
}

}  // namespace
}  // namespace fleetqshape
