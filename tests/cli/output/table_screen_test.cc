#include "cli/output/table_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/output/ansi.h"
#include "common/shape/table_text.h"
#include "tests/cli/output/answer_maker.h"

namespace fleetqshape {
namespace {

using test::Cell;
using test::MakeAnswer;
using test::Row;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

FleetTable SmallAnswer() {
  return MakeAnswer({{"", 3}}, {{{100, 10, 1}, 60, 90'000}},
                    {{"gmail.example", {{{90, 0, 0}, 50, 250}}},
                     {"a-very-long-name-of-a-host.in.a.department.of.a.university.example",
                      {{{10, 9, 0}, 290, 590}}},
                     {"evil\x1b[31m\n.example", {{{0, 1, 1}, 90'000, 90'000}}}});
}

TableView View() {
  TableView view;
  view.text.bucket_count = 3;
  return view;
}

TEST(TableScreenTest, ItsTextIsTheTableOfQshape) {
  EXPECT_EQ(PlainText(TableScreen(SmallAnswer(), View()).text),
            TableText(TableOfGroup(SmallAnswer(), 0), View().text));
  // Rows in any order, with equal ones, with TOTAL among them.
  FleetTable ties = MakeAnswer({{"", 1}}, {{{3, 2}}},
                               {{"bb", {{{1, 1}}}}, {"a", {{{3, 2}}}}, {"aa", {{{1, 1}}}}});
  TableView view;
  view.text.bucket_count = 2;
  for (const double rows : {0, 1, 2, 3, 9}) {
    view.text.top_rows = rows;
    EXPECT_EQ(PlainText(TableScreen(ties, view).text), TableText(TableOfGroup(ties, 0), view.text));
  }
  view.text.width = 100;
  view.text.keep_order = true;
  EXPECT_EQ(PlainText(TableScreen(ties, view).text), TableText(TableOfGroup(ties, 0), view.text));
}

TEST(TableScreenTest, CellsOfAgesAreAHeatMap) {
  const ScreenText text = TableScreen(SmallAnswer(), View()).text;
  ASSERT_EQ(text.size(), 5U);
  const auto styles = [&text](size_t row) {
    std::vector<Style> styles;
    for (const Span& span : text[row].spans()) styles.push_back(span.style);
    return styles;
  };
  const Style plain = Style::kPlain;
  EXPECT_THAT(styles(0), ElementsAre(plain, Style::kHead));
  EXPECT_THAT(styles(1), ElementsAre(Style::kHead, plain, Style::kHeat5, plain, Style::kHeat3,
                                     plain, Style::kHeat2));
  EXPECT_THAT(styles(2), ElementsAre(plain, Style::kHeat5, plain, Style::kDim, plain, Style::kDim));
  EXPECT_THAT(styles(3),
              ElementsAre(plain, Style::kHeat3, plain, Style::kHeat3, plain, Style::kDim));
}

TEST(TableScreenTest, WideHasWholeNamesSharesAndAges) {
  TableView view = View();
  view.wide = true;
  EXPECT_EQ("\n" + PlainText(TableScreen(SmallAnswer(), view).text), R"(
                                                                     T share median oldest   5 10 10+
                                                             TOTAL 111  100%     1m   1d1h 100 10   1
                                                     gmail.example  90 81.1%    50s     4m  90  0   0
a-very-long-name-of-a-host.in.a.department.of.a.university.example  19 17.1%     4m     9m  10  9   0
                                          evil\x1b[31m\x0a.example   2  1.8%   1d1h   1d1h   0  1   1
)");
}

TEST(TableScreenTest, RowsByHostCanSayHowFullActiveIs) {
  v1::ListRelaysResponse relays;
  *relays.add_relays() = test::MakeRelay("gw1", "", 10, 0, v1::FRESHNESS_FRESH);
  *relays.add_relays() = test::MakeRelay("spam1", "", 19'999, 0, v1::FRESHNESS_FRESH);
  *relays.add_relays() = test::MakeRelay("new1", "", 1, 0, v1::FRESHNESS_FRESH);
  relays.mutable_relays(2)->mutable_settings()->set_active_limit(0);
  const Fullness fullness(relays, "host");
  TableView view = View();
  view.rows_by = "host";
  view.fullness = &fullness;
  const FleetTable answer = MakeAnswer({{"", 3}}, {{{20'010, 0, 0}}},
                                       {{"spam1", {{{19'999, 0, 0}}}},
                                        {"gw1", {{{10, 0, 0}}}},
                                        {"", {{{1, 0, 0}}}},
                                        {"new1", {{{1, 0, 0}}}}});
  const ScreenText text = TableScreen(answer, view).text;
  EXPECT_EQ("\n" + PlainText(text), R"(
                                                             T full     5 10 10+
                                                   TOTAL 20010    - 20010  0   0
                                                   spam1 19999  99% 19999  0   0
                                                     gw1    10  <1%    10  0   0
                                                  (none)     1    -     1  0   0
                                                    new1     1    -     1  0   0
)");
  EXPECT_THAT(text[2].spans(), ::testing::Contains(Span{Style::kBad, "99%"}));
}

TEST(TableScreenTest, ANarrowTerminalGetsLessNotWrappedLines) {
  TableView view = View();
  view.screen_columns = 40;
  EXPECT_EQ("\n" + PlainText(TableScreen(SmallAnswer(), view).text), R"(
                            T   5 10 10+
                    TOTAL 111 100 10   1
            gmail.example  90  90  0   0
+.of.a.university.example  19  10  9   0
 evil\x1b[31m\x0a.example   2   0  1   1
)");
}

TEST(TableScreenTest, NoLineIsWiderThanANarrowTerminal) {
  TableView view = View();
  for (view.screen_columns = 1; view.screen_columns < 80; ++view.screen_columns) {
    for (const ScreenLine& line : TableScreen(SmallAnswer(), view).text) {
      ASSERT_LE(line.Width(), view.screen_columns);
    }
  }
}

TEST(TableScreenTest, RowsThatAreNotShownAreTold) {
  FleetTable answer = SmallAnswer();
  TableView view = View();
  EXPECT_THAT(TableScreen(answer, view).notes, IsEmpty());
  answer.head.set_rows(1237);
  answer.head.set_cut_off_total(56'789);
  EXPECT_THAT(TableScreen(answer, view).notes,
              ElementsAre("and 1,234 more rows with 56,789 recipients: --rows 0 shows all"));
  view.senders = true;
  view.text.top_rows = 3;
  EXPECT_THAT(TableScreen(answer, view).notes,
              ElementsAre("and 1,235 more rows with 56,791 messages: -n 0 shows all"));
  view.parents = true;
  EXPECT_THAT(TableScreen(answer, view).notes, ElementsAre("and 1,235 more rows: -n 0 shows all"));
}

TEST(TableScreenTest, UnicodeNamesAreAligned) {
  TableView view = View();
  view.unicode = true;
  const FleetTable answer = MakeAnswer(
      {{"", 1}}, {{{3, 0, 0}}},
      {{"xn--fsqu00a.xn--0zwm56d", {{{2, 0, 0}}}}, {"xn--bcher-kva.example", {{{1, 0, 0}}}}});
  EXPECT_EQ("\n" + PlainText(TableScreen(answer, view).text), R"(
                                                                     T  5 10 10+
                                                              TOTAL  3  3  0   0
                                                          例子.测试  2  2  0   0
                                                     bücher.example  1  1  0   0
)");
}

TEST(AnsiTextTest, SequencesOf256Colours) {
  ScreenLine line("plain");
  line.Add("head", Style::kHead);
  line.Add("dim", Style::kDim);
  line.Add("warm", Style::kHeat4);
  line.Add("hot", Style::kHeat5);
  EXPECT_EQ(AnsiText({line}),
            "plain\x1b[1mhead\x1b[0m\x1b[38;5;244mdim\x1b[0m\x1b[38;5;16;48;5;215mwarm\x1b[0m"
            "\x1b[1;38;5;231;48;5;160mhot\x1b[0m\n");
}

TEST(AnsiTextTest, WithoutItsSequencesItIsThePlainText) {
  const ScreenText text = TableScreen(SmallAnswer(), View()).text;
  std::string ansi = AnsiText(text);
  EXPECT_THAT(ansi, HasSubstr("\x1b[1;38;5;231;48;5;160m"));
  for (size_t start = 0; (start = ansi.find('\x1b', start)) != std::string::npos;) {
    ansi.erase(start, ansi.find('m', start) - start + 1);
  }
  EXPECT_EQ(ansi, PlainText(text));
}

}  // namespace
}  // namespace fleetqshape
