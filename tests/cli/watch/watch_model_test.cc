#include "cli/watch/watch_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/watch/watched.h"

namespace fleetqshape {
namespace {

using test::AnswerOf;
using test::At;
using test::Give;
using test::NamesOf;
using test::WatchOptions;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Effect = WatchModel::Effect;

std::vector<std::string> TextsOf(const std::vector<Growth>& growths) {
  std::vector<std::string> texts;
  for (const Growth& growth : growths) texts.push_back(GrowthText(growth));
  return texts;
}

TEST(WatchModel, GrowthSinceTheLastAndTheFirstPicture) {
  WatchModel model(WatchOptions());
  EXPECT_EQ(model.shown(), nullptr);
  Give(&model, AnswerOf({{"a", 10}, {"b", 5}}), 0);
  ASSERT_NE(model.shown(), nullptr);
  EXPECT_FALSE(model.shown()->has_growth());
  Give(&model, AnswerOf({{"a", 13}, {"b", 5}}), 2);
  Give(&model, AnswerOf({{"a", 12}, {"c", 8}, {"b", 4}}), 4);
  const WatchModel::Shown& shown = *model.shown();
  EXPECT_THAT(TextsOf(shown.since_last), ElementsAre("-1", "+8", "-1"));
  EXPECT_THAT(TextsOf(shown.since_first), ElementsAre("+2", "+8", "-1"));
  EXPECT_EQ(GrowthText(shown.total_since_last), "+6");
  EXPECT_EQ(GrowthText(shown.total_since_first), "+9");
  EXPECT_EQ(shown.last_milliseconds, 2000);
  EXPECT_EQ(shown.first_milliseconds, 4000);
}

TEST(WatchModel, WhatAKeyAsksForBetweenTimesIsNoPicture) {
  WatchModel model(WatchOptions());
  const auto give = [&model](uint64_t sum, int64_t milliseconds) {
    model.Take(model.Request(), AnswerOf({{"a", sum}}), {0, milliseconds});
    return GrowthText(model.shown()->total_since_last);
  };
  give(10, 0);
  EXPECT_EQ(give(14, 2000), "+4");
  model.Press(WatchKey::kGrowth);
  EXPECT_EQ(give(15, 2050), "+5");
  EXPECT_EQ(model.shown()->last_milliseconds, 2050);
  EXPECT_EQ(give(17, 4000), "+3");
  EXPECT_EQ(model.shown()->last_milliseconds, 2000);
}

TEST(WatchModel, ResetMakesTheNextPictureTheFirst) {
  WatchModel model(WatchOptions());
  Give(&model, AnswerOf({{"a", 10}}), 0);
  EXPECT_EQ(model.Press(WatchKey::kReset), Effect::kAsk);
  Give(&model, AnswerOf({{"a", 30}}), 2);
  EXPECT_FALSE(model.shown()->has_growth());
  Give(&model, AnswerOf({{"a", 31}}), 4);
  EXPECT_THAT(TextsOf(model.shown()->since_first), ElementsAre("+1"));
}

TEST(WatchModel, OrderByGrowth) {
  WatchModel model(WatchOptions());
  Give(&model, AnswerOf({{"a", 10}, {"b", 5}, {"c", 1}}), 0);
  Give(&model, AnswerOf({{"a", 11}, {"b", 9}, {"c", 1}}), 2);
  Give(&model, AnswerOf({{"a", 11}, {"b", 9}, {"c", 3}}), 4);
  EXPECT_THAT(NamesOf(model), ElementsAre("a", "b", "c"));
  EXPECT_EQ(model.Press(WatchKey::kGrowth), Effect::kAsk);
  EXPECT_THAT(NamesOf(model), ElementsAre("b", "c", "a"));  // +4, +2, +1 since the first
  EXPECT_EQ(model.Press(WatchKey::kGrowth), Effect::kAsk);
  EXPECT_THAT(NamesOf(model), ElementsAre("c", "a", "b"));  // +2, 0, 0 since the last
  EXPECT_EQ(model.Press(WatchKey::kTotal), Effect::kAsk);
  EXPECT_THAT(NamesOf(model), ElementsAre("a", "b", "c"));
}

TEST(WatchModel, RowsOfUnknownGrowthAreLast) {
  WatchModel model(WatchOptions());
  model.Press(WatchKey::kGrowth);
  Give(&model, AnswerOf({{"a", 10}, {"b", 5}}, 9), 0);
  Give(&model, AnswerOf({{"x", 25}, {"a", 8}, {"b", 6}, {"y", 4}}, 9), 2);
  EXPECT_THAT(NamesOf(model), ElementsAre("x", "b", "a", "y"));
  EXPECT_THAT(TextsOf(model.shown()->since_first), ElementsAre(">=20", "-2", "+1", "-"));
}

TEST(WatchModel, AsksForTheRowsThatAreSeenAndSomeMore) {
  WatchModel model(WatchOptions());
  model.SetRoom(12, 23);
  EXPECT_EQ(model.Request().options.max_rows, 24);
  EXPECT_EQ(model.Request().options.sort, "");
  model.Press(WatchKey::kGrowth);
  EXPECT_EQ(model.Request().options.max_rows, 1000);
  EXPECT_EQ(model.Request().options.sort, "total");
}

// A low screen where all is well has more rows than lines are kept for them.
TEST(WatchModel, AsksForAllThatMayBeSeen) {
  WatchModel model(WatchOptions());
  model.SetRoom(3, 14);
  EXPECT_EQ(model.Request().options.max_rows, 14);
  Give(&model, AnswerOf({{"a", 9}, {"b", 8}, {"c", 7}, {"d", 6}}, 40), 0);
  model.SetSeen(4);
  EXPECT_EQ(model.Press(WatchKey::kDown), Effect::kAsk);
}

TEST(WatchModel, AsksForNoMoreThanTheCommandLineSays) {
  CliOptions options = WatchOptions();
  options.max_rows = 7;
  options.sort = "name";
  WatchModel model(options);
  EXPECT_EQ(model.Request().options.max_rows, 7);
  EXPECT_EQ(model.Request().options.sort, "name");
  model.Press(WatchKey::kTotal);
  EXPECT_EQ(model.Request().options.sort, "total");
  model.Press(WatchKey::kTotal);
  EXPECT_EQ(model.Request().options.sort, "name");
  model.Press(WatchKey::kGrowth);
  EXPECT_EQ(model.Request().options.max_rows, 7);
}

TEST(WatchModel, KeysChangeTheQuestion) {
  WatchModel model(WatchOptions());
  Give(&model, AnswerOf({{"a", 10}}), 0);
  const WatchRequest before = model.Request();
  EXPECT_TRUE(model.is_current());

  EXPECT_EQ(model.Press(WatchKey::kAxis), Effect::kAsk);
  EXPECT_EQ(model.Request().options.axis, Axis::kSenderDomain);
  EXPECT_FALSE(model.is_current());
  // What comes late is of no use.
  EXPECT_TRUE(model.Take(before, AnswerOf({{"late", 1}}), At(1)));
  EXPECT_THAT(NamesOf(model), ElementsAre("a"));
  model.Fail(before, "late", At(1));
  EXPECT_FALSE(model.failure());

  Give(&model, AnswerOf({{"sender", 10}}), 2);
  EXPECT_TRUE(model.is_current());
  EXPECT_FALSE(model.shown()->has_growth());
  model.Press(WatchKey::kAxis);
  EXPECT_EQ(model.Request().options.axis, Axis::kRecipientDomain);
}

TEST(WatchModel, QueuesAreAddedAndTakenAway) {
  CliOptions options = WatchOptions();
  options.queues = {"deferred"};
  WatchModel model(options);
  EXPECT_EQ(model.Press(WatchKey::kDeferred), Effect::kDraw);
  EXPECT_THAT(model.note(), HasSubstr("deferred is the only queue"));
  EXPECT_EQ(model.Press(WatchKey::kHold), Effect::kAsk);
  EXPECT_THAT(model.note(), IsEmpty());
  EXPECT_THAT(model.Request().options.queues, ElementsAre("hold", "deferred"));
  model.Press(WatchKey::kActive);
  model.Press(WatchKey::kIncoming);
  model.Press(WatchKey::kMaildrop);
  EXPECT_THAT(model.Request().options.queues,
              ElementsAre("maildrop", "hold", "incoming", "active", "deferred"));
  model.Press(WatchKey::kDeferred);
  EXPECT_THAT(model.Request().options.queues,
              ElementsAre("maildrop", "hold", "incoming", "active"));
}

TEST(WatchModel, NamesHoldTheAxis) {
  CliOptions options = WatchOptions();
  options.names = {"gmail.com"};
  WatchModel model(options);
  EXPECT_EQ(model.Press(WatchKey::kAxis), Effect::kDraw);
  EXPECT_THAT(model.note(), HasSubstr("--to"));
  EXPECT_EQ(model.Request().options.axis, Axis::kRecipientDomain);
}

TEST(WatchModel, ClustersOneAfterTheOther) {
  CliOptions options = WatchOptions();
  options.clusters = {"eu", "us"};
  WatchModel model(options);
  Give(&model, AnswerOf({{"a", 1}}), 0);
  EXPECT_FALSE(model.Request().clusters);
  EXPECT_EQ(model.Press(WatchKey::kCluster), Effect::kAsk);
  EXPECT_TRUE(model.Request().clusters);
  EXPECT_THAT(model.note(), HasSubstr("which clusters"));
  WatchAnswer answer = AnswerOf({{"a", 1}});
  answer.clusters = {"eu", "us"};
  EXPECT_TRUE(Give(&model, std::move(answer), 2));
  EXPECT_THAT(model.note(), IsEmpty());
  EXPECT_THAT(model.Request().options.clusters, ElementsAre("eu"));
  EXPECT_FALSE(model.Request().clusters);
  EXPECT_EQ(model.Press(WatchKey::kCluster), Effect::kAsk);
  EXPECT_EQ(model.cluster(), "us");
  EXPECT_EQ(model.Press(WatchKey::kCluster), Effect::kAsk);
  EXPECT_EQ(model.cluster(), "");
  EXPECT_THAT(model.Request().options.clusters, ElementsAre("eu", "us"));
}

TEST(WatchModel, OneClusterIsAllThereIs) {
  WatchModel model(WatchOptions());
  model.Press(WatchKey::kCluster);
  WatchAnswer answer = AnswerOf({{"a", 1}});
  answer.clusters = {"only"};
  EXPECT_FALSE(Give(&model, std::move(answer), 0));
  EXPECT_THAT(model.note(), HasSubstr("one cluster only: only"));
  EXPECT_THAT(model.Request().options.clusters, IsEmpty());
}

TEST(WatchModel, AFailureLeavesThePictureUntilAnAnswerComes) {
  WatchModel model(WatchOptions());
  Give(&model, AnswerOf({{"a", 10}}), 0);
  model.Fail(model.Request(), "gone", At(2));
  model.Fail(model.Request(), "still gone", At(4));
  ASSERT_TRUE(model.failure());
  EXPECT_EQ(model.failure()->text, "still gone");
  EXPECT_EQ(model.failure()->since.monotonic_milliseconds, 2000);
  EXPECT_FALSE(model.is_current());
  EXPECT_THAT(NamesOf(model), ElementsAre("a"));
  Give(&model, AnswerOf({{"a", 14}}), 6);
  EXPECT_FALSE(model.failure());
  EXPECT_TRUE(model.is_current());
  EXPECT_THAT(TextsOf(model.shown()->since_last), ElementsAre("+4"));
}

TEST(WatchModel, PauseIntervalQuitHelp) {
  WatchModel model(WatchOptions());
  EXPECT_EQ(model.Press(WatchKey::kPause), Effect::kDraw);
  EXPECT_TRUE(model.paused());
  EXPECT_EQ(model.Press(WatchKey::kPause), Effect::kAsk);
  EXPECT_FALSE(model.paused());
  model.Press(WatchKey::kSlower);
  EXPECT_EQ(model.interval_seconds(), 5);
  for (int i = 0; i < 20; ++i) model.Press(WatchKey::kSlower);
  EXPECT_EQ(model.interval_seconds(), 3600);
  for (int i = 0; i < 20; ++i) model.Press(WatchKey::kFaster);
  EXPECT_EQ(model.interval_seconds(), 0.5);
  EXPECT_EQ(model.Press(WatchKey::kHelp), Effect::kDraw);
  EXPECT_TRUE(model.help());
  EXPECT_EQ(model.Press(WatchKey::kAxis), Effect::kDraw);
  EXPECT_FALSE(model.help());
  EXPECT_EQ(model.Request().options.axis, Axis::kRecipientDomain);
  EXPECT_EQ(model.Press(WatchKey::kOther), Effect::kDraw);
  EXPECT_EQ(model.Press(WatchKey::kQuit), Effect::kQuit);
}

TEST(WatchModel, ScrollsOverTheRowsThatThereAre) {
  WatchModel model(WatchOptions());
  model.SetRoom(3, 3);
  EXPECT_EQ(model.Press(WatchKey::kDown), Effect::kAsk);  // nothing is there yet
  EXPECT_EQ(model.first_row(), 0);
  Give(&model, AnswerOf({{"a", 9}, {"b", 8}, {"c", 7}, {"d", 6}}, 9), 0);
  EXPECT_EQ(model.Press(WatchKey::kDown), Effect::kDraw);
  EXPECT_EQ(model.first_row(), 1);
  EXPECT_EQ(model.Press(WatchKey::kPageDown), Effect::kAsk);
  EXPECT_EQ(model.first_row(), 3);
  EXPECT_EQ(model.Request().options.max_rows, 9);
  for (int i = 0; i < 9; ++i) model.Press(WatchKey::kPageDown);
  EXPECT_EQ(model.first_row(), 6);
  model.Press(WatchKey::kUp);
  EXPECT_EQ(model.first_row(), 5);
  model.Press(WatchKey::kHome);
  EXPECT_EQ(model.first_row(), 0);
}

TEST(WatchModel, APageIsWhatIsSeen) {
  WatchModel model(WatchOptions());
  model.SetRoom(12, 23);
  Give(&model, AnswerOf({{"a", 9}, {"b", 8}, {"c", 7}, {"d", 6}}, 40), 0);
  model.SetSeen(5);  // groups below each other
  model.Press(WatchKey::kPageDown);
  EXPECT_EQ(model.first_row(), 4);
  for (int i = 0; i < 40; ++i) model.Press(WatchKey::kPageDown);
  EXPECT_EQ(model.first_row(), 35);
  model.Press(WatchKey::kHome);
  model.SetSeen(18);
  model.Press(WatchKey::kPageDown);
  EXPECT_EQ(model.first_row(), 17);
  for (int i = 0; i < 40; ++i) model.Press(WatchKey::kPageDown);
  EXPECT_EQ(model.first_row(), 22);
}

}  // namespace
}  // namespace fleetqshape
