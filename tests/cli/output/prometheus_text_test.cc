#include "cli/output/prometheus_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/output/answer_maker.h"

namespace fleetqshape {
namespace {

using test::MakeAnswer;
using test::MakeRelay;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

v1::TableRequest Question() {
  v1::TableRequest asked;
  asked.add_queues(v1::QUEUE_DEFERRED);
  asked.set_axis(v1::AXIS_SENDER_DOMAIN);
  asked.set_bucket_count(2);
  asked.set_bucket_minutes(5);
  return asked;
}

TEST(TablePrometheusTest, HasTotalRowsAndCoverage) {
  const FleetTable answer =
      MakeAnswer({{"", 1}}, {{{2, 1}, 10, 700}},
                 {{"a.example", {{{2, 0}, 9, 11}}}, {"b\"\\\n.example", {{{0, 1}, 700, 700}}}});
  EXPECT_EQ(TablePrometheus(Question(), answer, 0),
            R"(# HELP fleetqshape_all_messages Queued messages in all.
# TYPE fleetqshape_all_messages gauge
fleetqshape_all_messages{queues="deferred"} 3
# HELP fleetqshape_all_messages_by_age Queued messages in all, whose age in seconds is from `from` to below `to`.
# TYPE fleetqshape_all_messages_by_age gauge
fleetqshape_all_messages_by_age{queues="deferred",from="0",to="300"} 2
fleetqshape_all_messages_by_age{queues="deferred",from="300",to="+Inf"} 1
# HELP fleetqshape_all_messages_median_age_seconds The median age in all.
# TYPE fleetqshape_all_messages_median_age_seconds gauge
fleetqshape_all_messages_median_age_seconds{queues="deferred"} 10
# HELP fleetqshape_all_messages_oldest_age_seconds The oldest age in all.
# TYPE fleetqshape_all_messages_oldest_age_seconds gauge
fleetqshape_all_messages_oldest_age_seconds{queues="deferred"} 700
# HELP fleetqshape_messages Queued messages by name.
# TYPE fleetqshape_messages gauge
fleetqshape_messages{queues="deferred",name="a.example"} 2
fleetqshape_messages{queues="deferred",name="b\"\\\\x0a.example"} 1
# HELP fleetqshape_messages_by_age Queued messages by name, whose age in seconds is from `from` to below `to`.
# TYPE fleetqshape_messages_by_age gauge
fleetqshape_messages_by_age{queues="deferred",name="a.example",from="0",to="300"} 2
fleetqshape_messages_by_age{queues="deferred",name="a.example",from="300",to="+Inf"} 0
fleetqshape_messages_by_age{queues="deferred",name="b\"\\\\x0a.example",from="0",to="300"} 0
fleetqshape_messages_by_age{queues="deferred",name="b\"\\\\x0a.example",from="300",to="+Inf"} 1
# HELP fleetqshape_messages_median_age_seconds The median age by name.
# TYPE fleetqshape_messages_median_age_seconds gauge
fleetqshape_messages_median_age_seconds{queues="deferred",name="a.example"} 9
fleetqshape_messages_median_age_seconds{queues="deferred",name="b\"\\\\x0a.example"} 700
# HELP fleetqshape_messages_oldest_age_seconds The oldest age by name.
# TYPE fleetqshape_messages_oldest_age_seconds gauge
fleetqshape_messages_oldest_age_seconds{queues="deferred",name="a.example"} 11
fleetqshape_messages_oldest_age_seconds{queues="deferred",name="b\"\\\\x0a.example"} 700
# HELP fleetqshape_answer_rows_left_out Rows that have no series here.
# TYPE fleetqshape_answer_rows_left_out gauge
fleetqshape_answer_rows_left_out 0
# HELP fleetqshape_answer_relays Relays that the answer is of, by state.
# TYPE fleetqshape_answer_relays gauge
fleetqshape_answer_relays{state="fresh"} 0
fleetqshape_answer_relays{state="stale"} 0
fleetqshape_answer_relays{state="missing"} 0
# HELP fleetqshape_answer_stranded_messages Messages on stale relays.
# TYPE fleetqshape_answer_stranded_messages gauge
fleetqshape_answer_stranded_messages 0
# HELP fleetqshape_answer_skipped_files Queue files that could not be counted.
# TYPE fleetqshape_answer_skipped_files gauge
fleetqshape_answer_skipped_files 0
# HELP fleetqshape_answer_timestamp_seconds The time that the answer stands for.
# TYPE fleetqshape_answer_timestamp_seconds gauge
fleetqshape_answer_timestamp_seconds 1700000000
)");
}

TEST(TablePrometheusTest, OnlyTheFirstRowsHaveSeries) {
  FleetTable answer =
      MakeAnswer({{"", 1}}, {{{2, 1}}}, {{"a.example", {{{2, 0}}}}, {"b.example", {{{0, 1}}}}});
  answer.head.set_rows(100);
  const std::string text = TablePrometheus(Question(), answer, 1);
  EXPECT_THAT(text, AllOf(HasSubstr("a.example"), Not(HasSubstr("b.example")),
                          HasSubstr("fleetqshape_answer_rows_left_out 99\n")));
}

TEST(TablePrometheusTest, GroupsAreALabel) {
  EXPECT_THAT(
      TablePrometheus(Question(), test::MakeComparison(), 1),
      AllOf(HasSubstr("fleetqshape_all_messages{queues=\"deferred\",group=\"gateway\"} 133\n"
                      "fleetqshape_all_messages{queues=\"deferred\",group=\"spam-relay\"} "
                      "4699\n"),
            HasSubstr("{queues=\"deferred\",group=\"gateway\",name=\"dead-shop.example\"} "
                      "0\n")));
}

TEST(RelaysPrometheusTest, HasWhatIsKnownOfEachRelay) {
  v1::ListRelaysResponse list;
  *list.add_relays() = MakeRelay("gw1", "gateway", 5, 7, v1::FRESHNESS_FRESH);
  *list.add_relays() = MakeRelay("gw2", "", 0, 0, v1::FRESHNESS_MISSING);
  list.mutable_relays(0)->set_clock_offset_milliseconds(-1500);
  const std::string text = RelaysPrometheus(list);
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("fleetqshape_relay_messages{cluster=\"eu\",host=\"gw1\",instance=\"postfix\","
                      "queue=\"deferred\"} 7\n"),
            Not(HasSubstr("fleetqshape_relay_messages{cluster=\"eu\",host=\"gw2\"")),
            HasSubstr("host=\"gw2\",instance=\"postfix\",state=\"missing\"} 1\n"),
            HasSubstr("fleetqshape_relay_clock_offset_seconds{cluster=\"eu\",host=\"gw1\",instance="
                      "\"postfix\"} -1.5\n")));
}

}  // namespace
}  // namespace fleetqshape
