#include "cli/watch/question_text.h"

#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

TEST(QuestionText, WhatIsCounted) {
  CliOptions options;
  options.queues = {"deferred"};
  EXPECT_EQ(QuestionText(options), "recipients by domain in deferred");
  options.axis = Axis::kSenderDomain;
  options.queues = {"hold", "active"};
  EXPECT_EQ(QuestionText(options), "messages by sender domain in hold, active");
  options.rows_by = "host";
  EXPECT_EQ(QuestionText(options), "messages by host in hold, active");
}

TEST(SelectionText, WhichPart) {
  CliOptions options;
  EXPECT_EQ(SelectionText(options), "");
  options.context = "prod";
  options.clusters = {"eu", "us"};
  options.roles = {"gateway"};
  options.matches = {{"site", {"a"}}, {"rack", {"b", "c"}, true}, {"new", {}}, {"old", {}, true}};
  options.names = {"gmail.com\x1b"};
  options.min_age_seconds = 4 * 3600;
  options.max_age_seconds = 86400;
  EXPECT_EQ(SelectionText(options),
            "context prod, cluster eu,us, role gateway, site=a, rack!=b,c, new, !old, "
            "to gmail.com\\x1b, older than 4h, younger than 1d");
}

}  // namespace
}  // namespace fleetqshape
