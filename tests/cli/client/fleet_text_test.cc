#include "cli/client/fleet_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fleetqshape {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
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

v1::RelayStatus Status(const std::string& host, uint64_t deferred) {
  v1::RelayStatus relay;
  relay.set_cluster("eu");
  relay.set_host(host);
  relay.set_instance("postfix");
  for (const auto& [queue, messages] :
       {std::pair(v1::QUEUE_HOLD, uint64_t{0}), std::pair(v1::QUEUE_DEFERRED, deferred)}) {
    v1::QueueMessages* one = relay.add_queues();
    one->set_queue(queue);
    one->set_messages(messages);
  }
  relay.set_heard_seconds(1'700'000'000);
  relay.set_silent_seconds(7200);
  relay.set_freshness(v1::FRESHNESS_STALE);
  return relay;
}

TEST(DurationTextTest, HasItsTwoLargestUnitsAndNoZero) {
  EXPECT_EQ(DurationText(0), "0s");
  EXPECT_EQ(DurationText(59), "59s");
  EXPECT_EQ(DurationText(60), "1m");
  EXPECT_EQ(DurationText(3599), "59m");
  EXPECT_EQ(DurationText(7200), "2h");
  EXPECT_EQ(DurationText(7260), "2h1m");
  EXPECT_EQ(DurationText(86399), "23h59m");
  EXPECT_EQ(DurationText(2 * 86400), "2d");
  EXPECT_EQ(DurationText(2 * 86400 + 4 * 3600 + 59), "2d4h");
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
  EXPECT_THAT(lines,
              ElementsAre(AllOf(HasSubstr(", 7 stale ("), HasSubstr("gw4"), HasSubstr("...)"),
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

TEST(FleetTextTest, WhatComesFromAServerIsEscaped) {
  v1::Coverage coverage;
  *coverage.add_stale() = Notice("gw\x1b[2J", 100, 1);
  coverage.set_problem("full\nfleetqshape: all is well");
  for (const std::string& line : CoverageLines(coverage)) {
    EXPECT_THAT(line, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n")), HasSubstr("\\x")));
  }
  EXPECT_EQ(FailureText(absl::NotFoundError("a\nb"), "host:1"), "a\\x0ab");
  EXPECT_THAT(FailureText(absl::UnavailableError("a\x1b"), "host:1"), HasSubstr("(a\\x1b)"));
  v1::ListRelaysResponse list;
  *list.add_relays() = Status("gw\n1", 1);
  EXPECT_THAT(RelaysText(list), HasSubstr("gw\\x0a1"));
  v1::ForgetRelaysResponse response;
  for (v1::RelayStatus* relay :
       {response.add_forgotten(), response.add_connected(), response.add_stranded()}) {
    *relay = Status("gw\x1b", 1);
  }
  const ForgottenText text = TextOfForgotten(response);
  EXPECT_THAT(text.forgotten, ElementsAre(HasSubstr("gw\\x1b")));
  EXPECT_THAT(text.left, ElementsAre(HasSubstr("gw\\x1b"), HasSubstr("gw\\x1b")));
}

TEST(TextOfForgottenTest, SaysWhatWasForgottenAndWhatToDoAboutTheRest) {
  v1::ForgetRelaysResponse response;
  *response.add_forgotten() = Status("gw1", 1234);
  *response.add_connected() = Status("gw2", 5);
  *response.add_stranded() = Status("gw3", 1);
  *response.add_stranded() = Status("gw4", 2);
  *response.add_stranded() = Status("gw5", 0);
  response.mutable_stranded(2)->set_damaged(true);
  const ForgottenText text = TextOfForgotten(response);
  EXPECT_THAT(text.forgotten,
              ElementsAre("eu/gw1/postfix forgotten: last heard of 2023-11-14 22:13:20 UTC (2h "
                          "ago), 1234 messages"));
  EXPECT_THAT(
      text.left,
      ElementsAre("eu/gw2/postfix is not forgotten: its agent reports; stop that agent first",
                  AllOf(HasSubstr("its queues held 1 message when"), HasSubstr("see to it on"),
                        HasSubstr("--stranded")),
                  AllOf(HasSubstr("its queues held 2 messages when"), HasSubstr("see to them on"),
                        HasSubstr("--stranded")),
                  AllOf(HasSubstr("what its queues hold is not known"), HasSubstr("--stranded"))));
}

TEST(TextOfForgottenTest, AnAbsurdTimeIsShownAsItIs) {
  v1::ForgetRelaysResponse response;
  *response.add_forgotten() = Status("gw1", 0);
  response.mutable_forgotten(0)->set_heard_seconds(INT64_MAX);
  EXPECT_THAT(TextOfForgotten(response).forgotten,
              ElementsAre(HasSubstr("9223372036854775807 seconds since 1970")));
}

TEST(RelaysTextTest, IsATableWithItsColumnsAligned) {
  v1::ListRelaysResponse list;
  EXPECT_EQ(RelaysText(list),
            "cluster  host  instance  role  maildrop  hold  incoming  active  deferred  state  "
            "heard of\n");
  *list.add_relays() = Status("gateway1", 1234567890);
  v1::Label* label = list.mutable_relays(0)->add_labels();
  label->set_key("role");
  label->set_value("gateway");
  *list.add_relays() = Status("b", 0);
  list.mutable_relays(1)->set_damaged(true);
  list.mutable_relays(1)->set_freshness(v1::FRESHNESS_MISSING);
  *list.add_relays() = Status("c", 0);
  list.mutable_relays(2)->set_freshness(v1::FRESHNESS_MISSING);
  *list.add_relays() = Status("d", 0);
  list.mutable_relays(3)->set_freshness(v1::FRESHNESS_FRESH);
  list.mutable_relays(3)->set_silent_seconds(3);
  EXPECT_EQ(RelaysText(list),
            "cluster  host      instance  role     maildrop  hold  incoming  active    deferred  "
            "state    heard of\n"
            "eu       gateway1  postfix   gateway         0     0         0       0  1234567890  "
            "stale    2h ago\n"
            "eu       b         postfix   -               -     -         -       -           -  "
            "damaged  2h ago\n"
            "eu       c         postfix   -               -     -         -       -           -  "
            "missing  2h ago\n"
            "eu       d         postfix   -               0     0         0       0           0  "
            "fresh    3s ago\n");
}

}  // namespace
}  // namespace fleetqshape
