#include "cli/client/fleet_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

TEST(FailureTextTest, WhatComesFromAServerIsEscaped) {
  EXPECT_EQ(FailureText(absl::NotFoundError("a\nb"), "host:1"), "a\\x0ab");
  EXPECT_THAT(FailureText(absl::UnavailableError("x"), "host:1", "a\x1b"), HasSubstr("(a\\x1b)"));
}

TEST(FailureTextTest, WhatGrpcSaysOfConnectionsIsNotForPeople) {
  for (const absl::Status& failure : {absl::UnavailableError("C-ares status is not ARES_SUCCESS"),
                                      absl::InternalError("Received RST_STREAM with error code 2"),
                                      absl::UnknownError("Stream removed")}) {
    EXPECT_EQ(FailureText(failure, "host:1"),
              "no aggregator answers at host:1: is it running, and is this its query address?");
  }
}

}  // namespace
}  // namespace fleetqshape
