#include "cli/output/coverage_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fleetqshape {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

v1::RelayNotice Notice(const std::string& host, int64_t silent_seconds, uint64_t messages) {
  v1::RelayNotice notice;
  notice.set_cluster("eu");
  notice.set_host(host);
  notice.set_instance("postfix");
  notice.set_silent_seconds(silent_seconds);
  notice.set_messages(messages);
  return notice;
}

TEST(CoverageLinesTest, WhenAllIsWellCountsAreAllThereIs) {
  v1::Coverage coverage;
  coverage.set_relays(2);
  coverage.set_fresh(2);
  EXPECT_THAT(CoverageLines(coverage), ElementsAre("2 relays: 2 fresh"));
  coverage.set_relays(1);
  coverage.set_fresh(1);
  EXPECT_THAT(CoverageLines(coverage), ElementsAre("1 relay: 1 fresh"));
}

TEST(CoverageLinesTest, StaleRelaysSayWhatTheirQueuesHeldAndThatItIsStranded) {
  v1::Coverage coverage;
  coverage.set_relays(3);
  coverage.set_fresh(2);
  *coverage.add_stale() = Notice("gw2", 7200, 1234);
  EXPECT_THAT(CoverageLines(coverage),
              ElementsAre("3 relays: 2 fresh, 1 stale (eu/gw2/postfix silent for 2h, 1234 "
                          "messages); 1234 messages are stranded on a host that nobody hears of"));
  *coverage.add_stale() = Notice("gw3", 90, 0);
  *coverage.add_stale() = Notice("gw4", 90, 1);
  EXPECT_THAT(
      CoverageLines(coverage),
      ElementsAre(AllOf(HasSubstr("eu/gw3/postfix silent for 1m, 0 messages, "),
                        HasSubstr("eu/gw4/postfix silent for 1m, 1 message); 1235 messages are "
                                  "stranded on hosts that nobody hears of"))));
}

TEST(CoverageLinesTest, EmptyQueuesAreNotStranded) {
  v1::Coverage coverage;
  coverage.set_relays(1);
  *coverage.add_stale() = Notice("gw1", 61, 0);
  EXPECT_THAT(CoverageLines(coverage),
              ElementsAre("1 relay: 0 fresh, 1 stale (eu/gw1/postfix silent for 1m, 0 messages)"));
}

TEST(CoverageLinesTest, RelaysBeyondTheFirstAreCountedAndSoIsTheirMail) {
  v1::Coverage coverage;
  coverage.set_relays(7);
  for (int i = 0; i < 7; ++i) *coverage.add_stale() = Notice("gw" + std::to_string(i), 100, 10);
  const auto lines = CoverageLines(coverage);
  EXPECT_THAT(lines, ElementsAre(AllOf(HasSubstr(", 7 stale ("), HasSubstr("gw4"),
                                       HasSubstr(" and 2 more: `fleetqshape relays` lists them)"),
                                       Not(HasSubstr("gw5")), HasSubstr("70 messages are"))));
}

TEST(CoverageLinesTest, MissingRelaysSayWhetherTheirStateWasDamaged) {
  v1::Coverage coverage;
  coverage.set_relays(2);
  *coverage.add_missing() = Notice("gw1", 5, 0);
  *coverage.add_missing() = Notice("gw2", 6, 0);
  coverage.mutable_missing(1)->set_damaged(true);
  EXPECT_THAT(CoverageLines(coverage),
              ElementsAre("2 relays: 0 fresh, 2 missing (eu/gw1/postfix silent for 5s, "
                          "eu/gw2/postfix silent for 6s: its stored state was damaged; waiting "
                          "for its agent)"));
}

// That nobody hears of the hosts is the aggregator's fault then.
TEST(CoverageLinesTest, TheAggregatorsProblemIsALineOfItsOwnAndNothingIsStranded) {
  v1::Coverage coverage;
  coverage.set_relays(1);
  *coverage.add_stale() = Notice("gw2", 100, 3);
  coverage.set_problem("the aggregator cannot store reports, its disk is full");
  EXPECT_THAT(CoverageLines(coverage),
              ElementsAre("1 relay: 0 fresh, 1 stale (eu/gw2/postfix silent for 1m, 3 messages)",
                          "the aggregator cannot store reports, its disk is full: what it answers "
                          "is of before"));
}

TEST(CoverageLinesTest, WhatIsWorthKnowingBesideIsALineEach) {
  v1::Coverage coverage;
  coverage.set_relays(2);
  coverage.set_fresh(2);
  coverage.set_left_out(1);
  coverage.set_skipped_files(3);
  *coverage.add_skewed() = Notice("gw1", 0, 0);
  coverage.mutable_skewed(0)->set_clock_offset_milliseconds(-125'000);
  EXPECT_THAT(
      CoverageLines(coverage),
      ElementsAre("2 relays: 2 fresh", "1 relay is in none of these groups, and not counted",
                  "3 queue files are not counted, unreadable or damaged: `fleetqshape "
                  "relays` says on which relays",
                  "1 relay has a clock that differs from the aggregator's (eu/gw1/postfix "
                  "2m behind); ages are right all the same"));
}

TEST(CoverageLinesTest, WhatComesFromAServerIsEscaped) {
  v1::Coverage coverage;
  *coverage.add_stale() = Notice("gw\x1b[2J", 100, 1);
  *coverage.add_skewed() = Notice("gw\x1b[2J", 100, 1);
  coverage.set_problem("full\nfleetqshape: all is well");
  for (const std::string& line : CoverageLines(coverage)) {
    EXPECT_THAT(line, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n")), HasSubstr("\\x")));
  }
}

}  // namespace
}  // namespace fleetqshape
