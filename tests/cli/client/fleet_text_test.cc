#include "cli/client/fleet_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

TEST(FailureTextTest, WhatComesFromAServerIsEscaped) {
  EXPECT_EQ(FailureText(absl::NotFoundError("a\nb"), "host:1"), "a\\x0ab");
  EXPECT_THAT(FailureText(absl::UnavailableError("a\x1b"), "host:1"), HasSubstr("(a\\x1b)"));
}

}  // namespace
}  // namespace fleetqshape
