#include "cli/client/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Figure = Threshold::Figure;

// Two groups of two columns: TOTAL is 7 and 3, the oldest message is 5000 s old.
v1::TableHead Head() {
  v1::TableHead head;
  head.set_columns(2);
  for (const uint64_t count : {7, 9, 3, 9}) head.add_total(count);
  head.add_oldest_ages(5000);
  head.add_oldest_ages(-1);
  head.mutable_coverage()->set_relays(2);
  head.mutable_coverage()->set_fresh(2);
  return head;
}

int StatusWith(std::vector<Threshold> thresholds, const v1::TableHead& head = Head()) {
  CliOptions options;
  options.fail_if = std::move(thresholds);
  return VerdictOf(options, head).exit_status;
}

TEST(VerdictOf, ThresholdsOfTotal) {
  EXPECT_EQ(StatusWith({{Figure::kTotal, 10, false, ""}}), 0);
  EXPECT_EQ(StatusWith({{Figure::kTotal, 10, true, ""}}), 4);
  EXPECT_EQ(StatusWith({{Figure::kTotal, 9, false, ""}}), 4);
  EXPECT_EQ(StatusWith({{Figure::kTotal, 99, false, ""}, {Figure::kTotal, 9, false, ""}}), 4);
}

TEST(VerdictOf, ThresholdsOfTheOldest) {
  EXPECT_EQ(StatusWith({{Figure::kOldest, 5000, false, ""}}), 0);
  EXPECT_EQ(StatusWith({{Figure::kOldest, 5000, true, ""}}), 4);
  v1::TableHead nothing = Head();
  nothing.set_oldest_ages(0, -1);
  EXPECT_EQ(StatusWith({{Figure::kOldest, 0, false, ""}}, nothing), 0);
}

TEST(VerdictOf, StrictWantsEveryRelayNow) {
  CliOptions options;
  options.strict = true;
  EXPECT_EQ(VerdictOf(options, Head()).exit_status, 0);
  v1::TableHead head = Head();
  head.mutable_coverage()->set_fresh(1);
  EXPECT_EQ(VerdictOf(options, head).exit_status, 3);
  head = Head();
  head.mutable_coverage()->set_problem("the disk is full");
  EXPECT_EQ(VerdictOf(options, head).exit_status, 3);
  options.strict = false;
  EXPECT_EQ(VerdictOf(options, head).exit_status, 0);
}

TEST(VerdictOf, ThresholdWinsAndBothAreSaid) {
  CliOptions options;
  options.strict = true;
  options.fail_if = {{Figure::kOldest, 60, false, "oldest>1m"}};
  v1::TableHead head = Head();
  head.mutable_coverage()->set_fresh(1);
  const Verdict verdict = VerdictOf(options, head);
  EXPECT_EQ(verdict.exit_status, 4);
  EXPECT_THAT(verdict.lines, ElementsAre("--strict: this is not the present state of every relay",
                                         "--fail-if oldest>1m: it is 1h23m"));
  EXPECT_THAT(VerdictOf({}, head).lines, IsEmpty());
}

}  // namespace
}  // namespace fleetqshape
