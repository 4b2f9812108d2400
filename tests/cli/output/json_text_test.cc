#include "cli/output/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "tests/cli/output/answer_maker.h"

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;
using test::MakeAnswer;
using test::MakeComparison;
using test::MakeRelay;

v1::TableRequest Question() {
  v1::TableRequest asked;
  asked.add_queues(v1::QUEUE_ACTIVE);
  asked.add_queues(v1::QUEUE_DEFERRED);
  asked.set_axis(v1::AXIS_RECIPIENT_DOMAIN);
  asked.set_bucket_count(3);
  asked.set_bucket_minutes(5);
  asked.set_min_subdomains(5);
  return asked;
}

TEST(TableJsonTest, HasTheQuestionTheCoverageAndTheTable) {
  v1::TableRequest asked = Question();
  asked.mutable_selection()->add_clusters("eu");
  v1::Match* match = asked.mutable_selection()->add_matches();
  match->set_key("site");
  match->add_values("fra1");
  match->set_negated(true);
  asked.mutable_comparison()->set_key("role");
  asked.set_order(v1::ROW_ORDER_SHARE_DIFFERENCE);
  asked.set_min_age_seconds(14'400);
  asked.add_names(".example");
  asked.set_max_rows(3);
  FleetTable answer = MakeComparison();
  answer.head.set_rows(10);
  answer.head.set_cut_off_total(77);
  v1::Coverage* coverage = answer.head.mutable_coverage();
  coverage->set_relays(3);
  coverage->set_fresh(2);
  v1::RelayNotice* stale = coverage->add_stale();
  stale->set_cluster("eu");
  stale->set_host("gw2");
  stale->set_instance("postfix");
  stale->set_silent_seconds(100);
  stale->set_messages(7);
  coverage->set_skipped_files(2);
  const Json json = Json::parse(TableJson(asked, answer));
  EXPECT_EQ(json, Json::parse(R"({
    "version": 1, "kind": "table", "at_seconds": 1700000000,
    "question": {
      "selection": {"clusters": ["eu"], "hosts": [], "roles": [],
                    "labels": [{"key": "site", "values": ["fra1"], "negated": true}]},
      "queues": ["active", "deferred"], "axis": "recipient", "rows_by": "name",
      "names": [".example"], "parents": false, "min_subdomains": 5.0,
      "min_age_seconds": 14400, "max_age_seconds": null,
      "compare": {"key": "role", "values": []}, "order": "share", "max_rows": 3},
    "age_limits_seconds": [300, 600, null],
    "coverage": {
      "relays": 3, "fresh": 2,
      "stale": [{"cluster": "eu", "host": "gw2", "instance": "postfix", "silent_seconds": 100,
                 "messages": 7, "damaged": false, "clock_offset_milliseconds": 0,
                 "skipped_files": 0}],
      "missing": [], "skewed": [], "stranded_messages": 7, "skipped_files": 2, "left_out": 0,
      "problem": null},
    "groups": [
      {"name": "gateway", "relays": 2,
       "total": {"count": 133, "ages": [17, 10, 106], "median_age_seconds": 2280,
                 "oldest_age_seconds": 172800}},
      {"name": "spam-relay", "relays": 1,
       "total": {"count": 4699, "ages": [103, 73, 4523], "median_age_seconds": 19200,
                 "oldest_age_seconds": 416000}}],
    "rows_in_all": 10,
    "cut_off": {"rows": 7, "count": 77},
    "rows": [
      {"name": "dead-shop.example", "cells": [
        {"count": 0, "ages": [0, 0, 0], "median_age_seconds": null, "oldest_age_seconds": null},
        {"count": 1397, "ages": [0, 2, 1395], "median_age_seconds": 216000,
         "oldest_age_seconds": 416000}]},
      {"name": "gmail.example", "cells": [
        {"count": 49, "ages": [7, 6, 36], "median_age_seconds": 2400, "oldest_age_seconds": 9000},
        {"count": 1922, "ages": [100, 62, 1760], "median_age_seconds": 14000,
         "oldest_age_seconds": 25000}]},
      {"name": "outlook.example", "cells": [
        {"count": 84, "ages": [10, 4, 70], "median_age_seconds": 3600,
         "oldest_age_seconds": 172800},
        {"count": 1380, "ages": [3, 9, 1368], "median_age_seconds": 14400,
         "oldest_age_seconds": 36000}]}]
  })"));
}

TEST(TableJsonTest, ANameThatCannotBeShownComesAsBytesToo) {
  const FleetTable answer =
      MakeAnswer({{"", 1}}, {{{3}}},
                 {{"a\x1b\xff\"\\.example", {{{1}}}}, {"bücher.example", {{{1}}}}, {"", {{{1}}}}});
  const Json rows = Json::parse(TableJson(Question(), answer)).at("rows");
  EXPECT_EQ(rows.at(0).at("name"), "a\\x1b\\xff\"\\.example");
  EXPECT_EQ(rows.at(0).at("name_base64"), "YRv/IlwuZXhhbXBsZQ==");
  EXPECT_EQ(rows.at(1).at("name"), "bücher.example");
  EXPECT_FALSE(rows.at(1).contains("name_base64"));
  EXPECT_EQ(rows.at(2).at("name"), "");
}

TEST(TableJsonTest, LimitsOfAgesAreAsTheTableWasCounted) {
  const FleetTable answer = MakeAnswer({{"", 1}}, {{{1, 1, 1, 1}}}, {});
  v1::TableRequest asked = Question();
  asked.set_bucket_count(4);
  asked.set_bucket_minutes(0.125);
  EXPECT_EQ(Json::parse(TableJson(asked, answer)).at("age_limits_seconds"),
            Json::parse("[7.5, 15, 30, null]"));
  asked.set_linear(true);
  EXPECT_EQ(Json::parse(TableJson(asked, answer)).at("age_limits_seconds"),
            Json::parse("[7.5, 15, 22.5, null]"));
}

TEST(RelaysJsonTest, HasWhatIsKnownOfEachRelay) {
  v1::ListRelaysResponse list;
  list.set_at_seconds(1'700'000'003);
  *list.add_relays() = MakeRelay("gw1", "gateway", 5000, 7, v1::FRESHNESS_FRESH);
  *list.add_relays() = MakeRelay("gw\x1b", "", 0, 0, v1::FRESHNESS_MISSING);
  list.mutable_relays(1)->clear_settings();
  EXPECT_EQ(Json::parse(RelaysJson(list)), Json::parse(R"({
    "version": 1, "kind": "relays", "at_seconds": 1700000003,
    "relays": [
      {"cluster": "eu", "host": "gw1", "instance": "postfix", "labels": {"role": "gateway"},
       "state": "fresh", "connected": false,
       "messages": {"maildrop": 0, "hold": 0, "incoming": 0, "active": 5000, "deferred": 7},
       "active_limit": 20000, "active_percent": 25.0, "heard_seconds": 1700000000,
       "silent_seconds": 0, "clock_offset_milliseconds": 0, "skipped_files": 0,
       "agent_version": "0.1.0", "postfix_version": "3.7.11"},
      {"cluster": "eu", "host": "gw\\x1b", "instance": "postfix", "labels": {},
       "state": "missing", "connected": false, "messages": null, "active_limit": null,
       "active_percent": null, "heard_seconds": 1700000000, "silent_seconds": 0,
       "clock_offset_milliseconds": 0, "skipped_files": 0, "agent_version": "0.1.0",
       "postfix_version": null}]
  })"));
}

}  // namespace
}  // namespace fleetqshape
