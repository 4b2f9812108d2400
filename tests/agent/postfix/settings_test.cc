#include "agent/postfix/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

// The values of a new main.cf, but for some.
std::vector<std::string> Values(const std::map<std::string, std::string>& others = {}) {
  std::map<std::string, std::string> values = {
      {"mail_version", "3.7.11"},        {"qmgr_message_active_limit", "20000"},
      {"minimal_backoff_time", "300s"},  {"qmgr_message_recipient_limit", "20000"},
      {"maximal_backoff_time", "4000s"}, {"queue_run_delay", "300s"},
      {"maximal_queue_lifetime", "5d"},  {"bounce_queue_lifetime", "5d"},
  };
  for (const auto& [name, value] : others) values[name] = value;
  std::vector<std::string> ordered;
  for (const std::string& name : SettingNames()) ordered.push_back(values[name]);
  return ordered;
}

TEST(ParseTimeSecondsTest, UnitsAreSecondsToWeeks) {
  EXPECT_EQ(ParseTimeSeconds("7s", 'd'), 7);
  EXPECT_EQ(ParseTimeSeconds("7m", 'd'), 7 * 60);
  EXPECT_EQ(ParseTimeSeconds("7h", 'd'), 7 * 60 * 60);
  EXPECT_EQ(ParseTimeSeconds("7d", 's'), 7 * 24 * 60 * 60);
  EXPECT_EQ(ParseTimeSeconds("7w", 's'), 7 * 7 * 24 * 60 * 60);
  EXPECT_EQ(ParseTimeSeconds("0s", 'd'), 0);
}

TEST(ParseTimeSecondsTest, WithoutAUnitItIsTheDefaultOne) {
  EXPECT_EQ(ParseTimeSeconds("7", 's'), 7);
  EXPECT_EQ(ParseTimeSeconds("7", 'd'), 7 * 24 * 60 * 60);
}

TEST(ParseTimeSecondsTest, WhatPostfixPassesOverIsPassedOver) {
  EXPECT_EQ(ParseTimeSeconds(" +7d", 's'), 7 * 24 * 60 * 60);
  EXPECT_EQ(ParseTimeSeconds("7days", 's'), 7 * 24 * 60 * 60);
  EXPECT_EQ(ParseTimeSeconds("010", 's'), 10);
  EXPECT_EQ(ParseTimeSeconds("d", 's'), 0);
}

TEST(ParseTimeSecondsTest, WhatPostfixRefusesIsRefused) {
  for (const char* text : {"", "-1s", "5x", "5 d", "5D", "5M", "five", "1.5h", "$x"}) {
    EXPECT_EQ(ParseTimeSeconds(text, 's'), std::nullopt) << text;
  }
}

TEST(ParseTimeSecondsTest, MoreThanAnIntIsRefused) {
  EXPECT_EQ(ParseTimeSeconds("2147483647", 's'), 2147483647);
  EXPECT_EQ(ParseTimeSeconds("2147483648", 's'), std::nullopt);
  EXPECT_EQ(ParseTimeSeconds("99999999999999999999", 's'), std::nullopt);
  EXPECT_EQ(ParseTimeSeconds("24854d", 's'), int64_t{24854} * 24 * 60 * 60);
  EXPECT_EQ(ParseTimeSeconds("24855d", 's'), std::nullopt);  // fits, but conv_time has a "<"
  EXPECT_EQ(ParseTimeSeconds("9223372036854775807w", 's'), std::nullopt);
}

TEST(ParseSettingsTest, EachValueHasItsPlace) {
  const auto settings = ParseSettings(Values({{"mail_version", "3.9.1"},
                                              {"qmgr_message_active_limit", "100"},
                                              {"qmgr_message_recipient_limit", "200"},
                                              {"minimal_backoff_time", "1m"},
                                              {"maximal_backoff_time", "2h"},
                                              {"queue_run_delay", "50"},
                                              {"maximal_queue_lifetime", "2"},
                                              {"bounce_queue_lifetime", "3h"}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->mail_version, "3.9.1");
  EXPECT_EQ(settings->active_limit, 100);
  EXPECT_EQ(settings->recipient_limit, 200);
  EXPECT_EQ(settings->minimal_backoff_seconds, 60);
  EXPECT_EQ(settings->maximal_backoff_seconds, 2 * 60 * 60);
  EXPECT_EQ(settings->queue_run_delay_seconds, 50);
  EXPECT_EQ(settings->maximal_queue_lifetime_seconds, 2 * 24 * 60 * 60);
  EXPECT_EQ(settings->bounce_queue_lifetime_seconds, 3 * 60 * 60);
}

TEST(ParseSettingsTest, TheDefaultUnitIsTheParametersOwn) {
  const auto settings = ParseSettings(Values({{"minimal_backoff_time", "1"},
                                              {"maximal_backoff_time", "2"},
                                              {"queue_run_delay", "3"},
                                              {"maximal_queue_lifetime", "5"},
                                              {"bounce_queue_lifetime", "4"}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->minimal_backoff_seconds, 1);
  EXPECT_EQ(settings->maximal_backoff_seconds, 2);
  EXPECT_EQ(settings->queue_run_delay_seconds, 3);
  EXPECT_EQ(settings->maximal_queue_lifetime_seconds, 5 * 86'400);
  EXPECT_EQ(settings->bounce_queue_lifetime_seconds, 4 * 86'400);
}

TEST(ParseSettingsTest, LimitsThatExcludeEachOtherAreAdjustedAsByQmgr) {
  const auto settings = ParseSettings(Values({{"qmgr_message_active_limit", "300"},
                                              {"qmgr_message_recipient_limit", "200"},
                                              {"maximal_queue_lifetime", "1d"},
                                              {"bounce_queue_lifetime", "5d"}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->active_limit, 300);
  EXPECT_EQ(settings->recipient_limit, 300);
  EXPECT_EQ(settings->maximal_queue_lifetime_seconds, 86'400);
  EXPECT_EQ(settings->bounce_queue_lifetime_seconds, 86'400);
}

TEST(ParseSettingsTest, AValueThatQmgrRefusesIsNamed) {
  const std::pair<const char*, const char*> refused[] = {
      {"qmgr_message_active_limit", "0"},
      {"qmgr_message_active_limit", ""},
      {"qmgr_message_active_limit", "20000s"},
      {"qmgr_message_active_limit", "2147483648"},
      {"qmgr_message_active_limit", "99999999999999999999"},
      {"qmgr_message_recipient_limit", "-5"},
      {"qmgr_message_recipient_limit", "many"},
      {"minimal_backoff_time", "0"},
      {"minimal_backoff_time", "5x"},
      {"maximal_backoff_time", ""},
      {"queue_run_delay", "0s"},
      {"maximal_queue_lifetime", "101d"},
      {"bounce_queue_lifetime", "-1d"},
  };
  for (const auto& [name, value] : refused) {
    const auto settings = ParseSettings(Values({{name, value}}));
    EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument) << name << value;
    EXPECT_THAT(std::string(settings.status().message()),
                HasSubstr(std::string(name) + " = " + value));
  }
}

TEST(ParseSettingsTest, ALifetimeMayBeNothingOrAHundredDays) {
  const auto none = ParseSettings(Values({{"maximal_queue_lifetime", "0"}}));
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->maximal_queue_lifetime_seconds, 0);
  EXPECT_EQ(none->bounce_queue_lifetime_seconds, 0);
  const auto longest = ParseSettings(Values({{"maximal_queue_lifetime", "100d"}}));
  ASSERT_TRUE(longest.ok()) << longest.status();
  EXPECT_EQ(longest->maximal_queue_lifetime_seconds, 8'640'000);
}

TEST(ParseSettingsTest, AVersionIsCutTo64Bytes) {
  const auto settings = ParseSettings(Values({{"mail_version", std::string(65, '3')}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->mail_version, std::string(64, '3'));
}

TEST(ParseSettingsTest, AValueForEachNameIsNeeded) {
  std::vector<std::string> values = Values();
  values.pop_back();
  EXPECT_FALSE(ParseSettings(values).ok());
  EXPECT_FALSE(ParseSettings({}).ok());
}

}  // namespace
}  // namespace fleetqshape
