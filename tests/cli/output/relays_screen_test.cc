#include "cli/output/relays_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/output/answer_maker.h"

namespace fleetqshape {
namespace {

using test::MakeRelay;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

v1::ListRelaysResponse FiveRelays() {
  v1::ListRelaysResponse list;
  list.set_at_seconds(1'700'007'200);
  *list.add_relays() = MakeRelay("gw1", "gateway", 10, 1234, v1::FRESHNESS_FRESH);
  list.mutable_relays(0)->set_heard_seconds(1'700'007'197);
  list.mutable_relays(0)->set_clock_offset_milliseconds(-1500);
  *list.add_relays() = MakeRelay("gw2", "", 0, 0, v1::FRESHNESS_STALE);
  *list.add_relays() = MakeRelay("spam1", "spam-relay", 19'000, 7, v1::FRESHNESS_STALE);
  list.mutable_relays(2)->set_clock_offset_milliseconds(3'700'000);
  list.mutable_relays(2)->mutable_files()->set_unreadable(2);
  list.mutable_relays(2)->mutable_files()->set_damaged(1);
  *list.add_relays() = MakeRelay("x", "", 0, 0, v1::FRESHNESS_MISSING);
  list.mutable_relays(3)->clear_settings();
  list.mutable_relays(3)->clear_heard_seconds();
  *list.add_relays() = MakeRelay("y", "", 0, 0, v1::FRESHNESS_STALE);
  list.mutable_relays(4)->set_damaged(true);
  for (int i = 1; i < 5; ++i) list.mutable_relays(i)->set_silent_seconds(7200);
  return list;
}

TEST(RelaysScreenTest, IsATableWithItsColumnsAligned) {
  EXPECT_EQ("\n" + PlainText(RelaysScreen(FiveRelays(), 0)), R"(
cluster  host   instance  role        maildrop  hold  incoming  active  deferred  state     lag  full  clock  skipped  last report              agent, Postfix
eu       gw1    postfix   gateway            0     0         0      10      1234  fresh      3s   <1%  -1.5s        0  2023-11-15 00:13:17 UTC  0.1.0, 3.7.11
eu       gw2    postfix   -                  0     0         0       0         0  stale      2h    0%  +0.0s        0  2023-11-14 22:13:20 UTC  0.1.0, 3.7.11
eu       spam1  postfix   spam-relay         0     0         0   19000         7  stranded   2h   95%  +1h1m        3  2023-11-14 22:13:20 UTC  0.1.0, 3.7.11
eu       x      postfix   -                  -     -         -       -         -  missing     -     -  +0.0s        0  -                        0.1.0
eu       y      postfix   -                  -     -         -       -         -  damaged    2h     -  +0.0s        0  2023-11-14 22:13:20 UTC  0.1.0, 3.7.11
)");
}

TEST(RelaysScreenTest, TroubleIsMarked) {
  const ScreenText text = RelaysScreen(FiveRelays(), 0);
  EXPECT_THAT(text[1].spans(), Contains(Span{Style::kGood, "fresh"}));
  EXPECT_THAT(text[2].spans(), Contains(Span{Style::kWarning, "stale"}));
  EXPECT_THAT(
      text[3].spans(),
      AllOf(Contains(Span{Style::kBad, "stranded"}), Contains(Span{Style::kBad, "95%"}),
            Contains(Span{Style::kWarning, "+1h1m"}), Contains(Span{Style::kWarning, "3"})));
  EXPECT_THAT(text[5].spans(), Contains(Span{Style::kBad, "damaged"}));
}

TEST(RelaysScreenTest, ANarrowTerminalGetsTheColumnsThatMatterMost) {
  EXPECT_EQ("\n" + PlainText(RelaysScreen(FiveRelays(), 80)), R"(
cluster  host   role        incoming  active  deferred  state     lag  full
eu       gw1    gateway            0      10      1234  fresh      3s   <1%
eu       gw2    -                  0       0         0  stale      2h    0%
eu       spam1  spam-relay         0   19000         7  stranded   2h   95%
eu       x      -                  -       -         -  missing     -     -
eu       y      -                  -       -         -  damaged    2h     -
)");
  EXPECT_EQ("\n" + PlainText(RelaysScreen(FiveRelays(), 20)), R"(
host   state
gw1    fresh
gw2    stale
spam1  stranded
x      missing
y      damaged
)");
  for (size_t columns = 1; columns < 200; ++columns) {
    for (const ScreenLine& line : RelaysScreen(FiveRelays(), columns)) {
      ASSERT_LE(line.Width(), columns);
    }
  }
}

TEST(RelaysScreenTest, WhatComesFromAServerIsEscaped) {
  v1::ListRelaysResponse list = FiveRelays();
  list.mutable_relays(0)->set_host("gw\n1");
  list.mutable_relays(0)->mutable_settings()->set_mail_version("\x1b[2J\xff");
  const std::string text = PlainText(RelaysScreen(list, 0));
  EXPECT_THAT(text,
              AllOf(HasSubstr("gw\\x0a1"), HasSubstr("\\x1b[2J\\xff"), Not(HasSubstr("\x1b"))));
}

TEST(CheckRelaysTest, OneLineSaysWhetherAllAreFresh) {
  v1::ListRelaysResponse list;
  *list.add_relays() = MakeRelay("gw1", "", 0, 1, v1::FRESHNESS_FRESH);
  RelaysCheck check = CheckRelays(list);
  EXPECT_TRUE(check.all_fresh);
  EXPECT_EQ(check.line,
            "OK - 1 relay fresh | fresh=1 stale=0 missing=0 stranded_messages=0 skewed=0 "
            "skipped_files=0");
  check = CheckRelays(FiveRelays());
  EXPECT_FALSE(check.all_fresh);
  EXPECT_EQ(check.line,
            "UNKNOWN - 1 of 5 relays fresh: eu/gw2/postfix stale for 2h, eu/spam1/postfix stranded "
            "for 2h, eu/x/postfix missing for 2h, eu/y/postfix damaged for 2h | fresh=1 stale=2 "
            "missing=2 stranded_messages=19007 skewed=1 skipped_files=3");
  list.mutable_relays(0)->set_host("a|b\nc");
  list.mutable_relays(0)->set_freshness(v1::FRESHNESS_STALE);
  EXPECT_THAT(CheckRelays(list).line,
              HasSubstr(": eu/a/b\\x0ac/postfix stranded for 0s | fresh=0"));
}

}  // namespace
}  // namespace fleetqshape
