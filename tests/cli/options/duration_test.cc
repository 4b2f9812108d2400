#include "cli/options/duration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

TEST(ParseDuration, ReadsUnits) {
  for (const auto& [text, seconds] :
       std::vector<std::pair<std::string, int64_t>>{{"0", 0},
                                                    {"90", 90},
                                                    {"45s", 45},
                                                    {"30m", 1800},
                                                    {"4h", 14400},
                                                    {"2d", 172800},
                                                    {"1w", 604800},
                                                    {"1h30m", 5400},
                                                    {"1w2d3h4m5s", 788645},
                                                    {"36600d", 36600LL * 86400}}) {
    const auto parsed = ParseDuration("--older", text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, seconds) << text;
  }
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text : {"", "h", "4x", "4 h", "-4h", "1.5h", "4h90", "30m1h", "1h1h", "4hh",
                           "h4", "0x10", "1e3", "36601d", "99999999999999999999", "4H"}) {
    const auto parsed = ParseDuration("--older", text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(std::string(parsed.status().message()), ::testing::StartsWith("--older "));
  }
}

}  // namespace
}  // namespace fleetqshape
