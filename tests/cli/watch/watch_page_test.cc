#include "cli/watch/watch_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/cli/watch/watched.h"

namespace fleetqshape {
namespace {

using test::AnswerOf;
using test::At;
using test::Give;
using test::WatchOptions;
using ::testing::HasSubstr;
using ::testing::Not;

std::string PageText(const WatchModel& model, const PageSize& size, int64_t seconds = 9) {
  return PlainText(PageOf(model, size, At(seconds), std::nullopt));
}

Style StyleOfText(const ScreenText& page, const std::string& text) {
  for (const ScreenLine& line : page) {
    for (const Span& span : line.spans()) {
      if (span.text.find(text) != std::string::npos) return span.style;
    }
  }
  ADD_FAILURE() << text << " is not in\n" << PlainText(page);
  return Style::kPlain;
}

TEST(WatchPage, AllOfIt) {
  CliOptions options = WatchOptions();
  options.clusters = {"eu"};
  WatchModel model(options);
  Give(&model, AnswerOf({{"a.example", 10}, {"b.example", 5}}), 0);
  Give(&model, AnswerOf({{"a.example", 12}, {"b.example", 1}}), 125);
  EXPECT_EQ(PageText(model, {10, 80}),
            "fleetqshape  recipients by domain in incoming, active, deferred  cluster eu\n"
            "2023-11-14 22:13:20 UTC  every 2s  by total\n"
            "1 relay: 1 fresh\n"
            "  +2m   +2m                                                                 T  5\n"
            "   -2    -2                                                          TOTAL 13 13\n"
            "   +2    +2                                                      a.example 12 12\n"
            "   -4    -4                                                      b.example  1  1\n"
            "\n"
            "\n"
            "q quit  ? help  s senders  1-5 queues  c cluster  g growth  t total  p pause\n");
}

TEST(WatchPage, BeforeTheFirstAnswer) {
  const WatchModel model(WatchOptions());
  EXPECT_THAT(PageText(model, {24, 80}), HasSubstr("asking agg:7778\n"));
}

TEST(WatchPage, AFailureGreysThePictureAndSaysSinceWhen) {
  WatchModel model(WatchOptions());
  Give(&model, AnswerOf({{"a.example", 1'000'000}}), 0);
  EXPECT_NE(StyleOfText(PageOf(model, {24, 80}, At(1), {}), "1000000"), Style::kDim);
  model.Fail(model.Request(), "no aggregator answers at agg:7778", At(2));
  const ScreenText page = PageOf(model, {24, 80}, At(14), {});
  EXPECT_EQ(StyleOfText(page, "no answer since 2023-11-14 22:13:22 UTC (12s): no aggregator"),
            Style::kBad);
  EXPECT_EQ(StyleOfText(page, "1000000"), Style::kDim);
}

TEST(WatchPage, CoverageThatIsNotWhole) {
  WatchModel model(WatchOptions());
  WatchAnswer answer = AnswerOf({{"a.example", 1}});
  v1::Coverage* coverage = answer.table.head.mutable_coverage();
  coverage->set_relays(2);
  v1::RelayNotice* stale = coverage->add_stale();
  stale->set_host("mx\x1b[2J");
  stale->set_silent_seconds(90);
  coverage->set_problem("its disk is full");
  Give(&model, std::move(answer), 0);
  const ScreenText page = PageOf(model, {24, 120}, At(1), {});
  EXPECT_EQ(StyleOfText(page, "2 relays: 1 fresh, 1 stale (/mx\\x1b[2J/ silent"), Style::kWarning);
  EXPECT_EQ(StyleOfText(page, "its disk is full"), Style::kBad);
  // Where there is room for one line only, it is the worst.
  EXPECT_THAT(PageText(model, {10, 120}), HasSubstr("its disk is full"));
  EXPECT_THAT(PageText(model, {10, 120}), Not(HasSubstr("1 stale")));
}

TEST(WatchPage, ServersThatGaveNoAnswer) {
  WatchModel model(WatchOptions());
  WatchAnswer answer = AnswerOf({{"a.example", 1}});
  answer.failures = {"no aggregator answers at one:1"};
  Give(&model, std::move(answer), 0);
  EXPECT_THAT(PageText(model, {24, 80}), HasSubstr("no aggregator answers at one:1"));
}

TEST(WatchPage, AQuestionThatTakesLong) {
  WatchModel model(WatchOptions());
  Give(&model, AnswerOf({{"a.example", 1}}), 0);
  EXPECT_THAT(PlainText(PageOf(model, {24, 80}, At(9), 7000)), Not(HasSubstr("no answer")));
  EXPECT_THAT(PlainText(PageOf(model, {24, 80}, At(9), 4000)), HasSubstr("no answer for 5s"));
}

TEST(WatchPage, HostileNamesAreEscaped) {
  WatchModel model(WatchOptions());
  Give(&model, AnswerOf({{"evil\x1b[2Jx\n", 1}}), 0);
  EXPECT_THAT(PageText(model, {24, 100}), HasSubstr("evil\\x1b[2Jx\\x0a"));
}

TEST(WatchPage, WideNamesTakeTheirColumns) {
  WatchModel model(WatchOptions());
  Give(&model, AnswerOf({{"例子.example", 1}, {"four.example", 1}}), 0);
  const std::string page = PageText(model, {24, 100});
  EXPECT_THAT(page, HasSubstr("  例子.example  1  1\n"));
  const auto spaces_before = [&page](const std::string& name) {
    return page.find(name) - page.rfind('\n', page.find(name));
  };
  EXPECT_EQ(spaces_before("例子"), spaces_before("four"));
}

TEST(WatchPage, OrderAndRowsAreSaid) {
  WatchModel model(WatchOptions());
  std::vector<std::pair<std::string, uint64_t>> rows;
  for (int i = 0; i < 60; ++i) rows.emplace_back("row" + std::to_string(i), 100 - i);
  Give(&model, AnswerOf(rows, 5312), 0);
  model.SetRoom(5, 5);
  model.Press(WatchKey::kPageDown);
  EXPECT_THAT(PageText(model, {16, 100}), HasSubstr("by total  rows 5-14 of 5,312"));
  model.Press(WatchKey::kGrowth);
  EXPECT_THAT(PageText(model, {16, 120}),
              HasSubstr("by growth since the first picture among the 60 largest of 5,312 rows"));
  model.Press(WatchKey::kPause);
  EXPECT_THAT(PageText(model, {16, 120}), HasSubstr("PAUSED"));
}

TEST(WatchPage, Comparison) {
  CliOptions options = WatchOptions();
  options.compare_key = "role";
  WatchModel model(options);
  WatchAnswer answer;
  answer.table = test::MakeComparison();
  Give(&model, answer, 0);
  answer.table.counts[0] += 7;
  Give(&model, answer, 2);
  const std::string wide = PageText(model, {24, 160});
  EXPECT_THAT(wide, HasSubstr("compared by role"));
  EXPECT_THAT(wide, HasSubstr("gateway (2 relays)"));
  EXPECT_THAT(wide, HasSubstr("\n   +7    +7 dead-shop.example"));
  EXPECT_THAT(PageText(model, {24, 60}), HasSubstr("\n   +7    +7 dead-shop.example"));  // stacked
  size_t rows = 9;
  PageOf(model, {9, 60}, At(3), {}, &rows);
  EXPECT_EQ(rows, 1);
  model.Press(WatchKey::kHelp);
  PageOf(model, {24, 60}, At(3), {}, &rows);
  EXPECT_EQ(rows, 0);
}

TEST(WatchPage, EveryScreenHasSomethingOnIt) {
  WatchModel model(WatchOptions());
  for (int answers = 0; answers < 3; ++answers) {
    for (size_t lines = 1; lines < 30; ++lines) {
      for (const size_t columns : {1, 2, 7, 20, 39, 40, 59, 60, 80, 200}) {
        const ScreenText page = PageOf(model, {lines, columns}, At(5), {});
        EXPECT_LE(page.size(), lines);
        EXPECT_FALSE(page.empty());
        EXPECT_GE(RoomOf({lines, columns}), 1);
        for (const ScreenLine& line : page) EXPECT_LE(line.Width(), columns);
      }
    }
    Give(&model, AnswerOf({{"例子.example", 10}, {"b.example", 5}}), answers);
    if (answers == 1) model.Fail(model.Request(), "gone", At(3));
  }
  // The table goes before all else.
  EXPECT_THAT(PageText(model, {3, 20}), HasSubstr("TOTAL"));
}

TEST(WatchPage, Help) {
  WatchModel model(WatchOptions());
  model.Press(WatchKey::kHelp);
  EXPECT_THAT(PageText(model, {24, 80}), HasSubstr("g         sort by growth"));
}

}  // namespace
}  // namespace fleetqshape
