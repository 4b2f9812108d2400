// The tables in here are what qshape's own code printed in perl 5.36 for the same arrivals (ties in
// its order, which is random, sorted by bytes).
#include "common/shape/table_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/shape/age_buckets.h"

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// So many arrivals of an age under a name.
struct Mail {
  double age_seconds;
  std::string name;
  int count;
};

// qshape's options as they are typed.
struct Options {
  std::string_view b = "10";
  std::string_view t = "5";
  std::string_view w = "80";
  bool l = false;
  bool p = false;
  double m = 5;
  double top_rows = 0;
  bool raw = true;
};

std::string Answer(const std::vector<Mail>& mails, const Options& options) {
  TextOptions text;
  text.width = PerlNumber::Parse(options.w).AsDouble();
  text.bucket_count = PerlNumber::Parse(options.b).AsDouble();
  text.bucket_minutes = PerlNumber::Parse(options.t);
  text.linear = options.l;
  text.top_rows = options.top_rows;
  text.raw_names = options.raw;
  const AgeBuckets buckets({text.bucket_count, text.bucket_minutes.AsDouble(), text.linear});
  ShapeTable table(buckets.columns());
  for (const Mail& mail : mails) {
    for (int i = 0; i < mail.count; ++i) {
      table.Add(mail.name, buckets.BucketOf(mail.age_seconds));
      table.AddTotal(buckets.BucketOf(mail.age_seconds));
    }
  }
  return TableText(table.Finish({options.p, options.m}), text);
}

// A raw string that starts on a line of its own.
std::string_view Printed(std::string_view text) { return text.substr(1); }

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The heads alone: what stands in the first line.
std::string Heads(const Options& options) {
  const std::string line = Lines(Answer({}, options)).at(0);
  return line.substr(line.find_first_not_of(' '));
}

// The name column of each line but the first.
std::vector<std::string> RowNames(const std::string& text, size_t name_width) {
  std::vector<std::string> names;
  for (const std::string& line : Lines(text)) names.push_back(line.substr(0, name_width));
  names.erase(names.begin());
  return names;
}

std::vector<Mail> Everyday() {
  return {{0, "gmail.com", 3},       {299, "gmail.com", 1},      {300, "example.org", 2},
          {600, "gmail.com", 1},     {1200, "x.example.org", 4}, {2400, "yahoo.co.uk", 1},
          {100000, "gmail.com", 12}, {-50, "example.org", 1},    {76800, "root", 1}};
}

TEST(TableTextTest, AnEmptyQueueIsHeadsAndZeros) {
  EXPECT_EQ(Answer({}, {}), Printed(R"(
                                         T  5 10 20 40 80 160 320 640 1280 1280+
                                  TOTAL  0  0  0  0  0  0   0   0   0    0     0
)"));
}

TEST(TableTextTest, LooksLikeQshape) {
  EXPECT_EQ(Answer(Everyday(), {}), Printed(R"(
                                         T  5 10 20 40 80 160 320 640 1280 1280+
                                  TOTAL 26  5  2  1  4  1   0   0   0    0    13
                              gmail.com 17  4  0  1  0  0   0   0   0    0    12
                          x.example.org  4  0  0  0  4  0   0   0   0    0     0
                            example.org  3  1  2  0  0  0   0   0   0    0     0
                                   root  1  0  0  0  0  0   0   0   0    0     1
                            yahoo.co.uk  1  0  0  0  0  1   0   0   0    0     0
)"));
}

TEST(TableTextTest, OneBucketIsEverything) {
  EXPECT_EQ(Answer(Everyday(), {.b = "1"}), Printed(R"(
                                                                            T 0+
                                                                     TOTAL 26 26
                                                                 gmail.com 17 17
                                                             x.example.org  4  4
                                                               example.org  3  3
                                                                      root  1  1
                                                               yahoo.co.uk  1  1
)"));
}

TEST(TableTextTest, AFractionOfABucketTakesThePlusAway) {
  EXPECT_EQ(Answer(Everyday(), {.b = "3.7"}), Printed(R"(
                                                                      T  5 10 20
                                                               TOTAL 26  5  2 19
                                                           gmail.com 17  4  0 13
                                                       x.example.org  4  0  0  4
                                                         example.org  3  1  2  0
                                                                root  1  0  0  1
                                                         yahoo.co.uk  1  0  0  1
)"));
}

TEST(TableTextTest, BelowOneBucketOnlyTheSumIsShown) {
  EXPECT_EQ(Answer(Everyday(), {.b = "0.5"}), Printed(R"(
                                                                               T
                                                                        TOTAL 47
                                                                    gmail.com 30
                                                                x.example.org  8
                                                                  example.org  5
                                                                         root  2
                                                                  yahoo.co.uk  2
)"));
}

TEST(TableTextTest, LinearAgesAreMultiples) {
  EXPECT_EQ(Answer(Everyday(), {.b = "5", .t = "60", .l = true}), Printed(R"(
                                                           T 60 120 180 240 240+
                                                    TOTAL 26 13   0   0   0   13
                                                gmail.com 17  5   0   0   0   12
                                            x.example.org  4  4   0   0   0    0
                                              example.org  3  3   0   0   0    0
                                                     root  1  0   0   0   0    1
                                              yahoo.co.uk  1  1   0   0   0    0
)"));
}

TEST(TableTextTest, ANarrowNameColumnWidensTheLine) {
  EXPECT_EQ(Answer(Everyday(), {.b = "14"}), Printed(R"(
                    T  5 10 20 40 80 160 320 640 1280 2560 5120 10240 20480 20480+
             TOTAL 26  5  2  1  4  1   0   0   0    0   13    0     0     0      0
         gmail.com 17  4  0  1  0  0   0   0   0    0   12    0     0     0      0
     x.example.org  4  0  0  0  4  0   0   0   0    0    0    0     0     0      0
       example.org  3  1  2  0  0  0   0   0   0    0    0    0     0     0      0
              root  1  0  0  0  0  0   0   0   0    0    1    0     0     0      0
       yahoo.co.uk  1  0  0  0  0  1   0   0   0    0    0    0     0     0      0
)"));
}

TEST(TableTextTest, LongNamesKeepTheirEndBehindAPlus) {
  const std::vector<Mail> mails = {{0, "host.subdomain.example.com", 2},
                                   {5000, "seventeen-bytes.x", 3},
                                   {0, "eighteen-bytes.xyz", 7},
                                   {0, "nineteen-bytes.xyza", 9},
                                   {0, "eighteen-bytes.xy", 8}};
  EXPECT_EQ(Answer(mails, {.b = "20", .p = true, .m = 1}), Printed(R"(
                    T  5 10 20 40 80 160 320 640 1280 2560 5120 10240 20480 40960 81920 163840 327680 655360 1310720 1310720+
             TOTAL 29 26  0  0  0  0   3   0   0    0    0    0     0     0     0     0      0      0      0       0        0
+neteen-bytes.xyza  9  9  0  0  0  0   0   0   0    0    0    0     0     0     0     0      0      0      0       0        0
 eighteen-bytes.xy  8  8  0  0  0  0   0   0   0    0    0    0     0     0     0     0      0      0      0       0        0
eighteen-bytes.xyz  7  7  0  0  0  0   0   0   0    0    0    0     0     0     0     0      0      0      0       0        0
 seventeen-bytes.x  3  0  0  0  0  0   3   0   0    0    0    0     0     0     0     0      0      0      0       0        0
      .example.com  2  2  0  0  0  0   0   0   0    0    0    0     0     0     0     0      0      0      0       0        0
.+main.example.com  2  2  0  0  0  0   0   0   0    0    0    0     0     0     0     0      0      0      0       0        0
+omain.example.com  2  2  0  0  0  0   0   0   0    0    0    0     0     0     0     0      0      0      0       0        0
)"));
}

TEST(TableTextTest, AWidthMayBeAFraction) {
  const std::vector<Mail> mails = {{0, std::string(80, 'n') + ".example", 1},
                                   {0, std::string(75, 'm'), 1},
                                   {0, std::string(74, 'k'), 1}};
  EXPECT_EQ(Answer(mails, {.b = "4", .w = "90.6"}), Printed(R"(
                                                                            T  5 10 20 20+
                                                                     TOTAL  3  3  0  0   0
kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk  1  1  0  0   0
+mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm  1  1  0  0   0
+nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn.exampl  1  1  0  0   0
)"));
}

TEST(TableTextTest, AWiderTerminalWidensTheNames) {
  for (const std::string& line : Lines(Answer(Everyday(), {.w = "90"}))) {
    EXPECT_EQ(line.size(), 90U) << line;
  }
}

TEST(TableTextTest, AColumnIsOneWiderThanTotalsCountOrTheHead) {
  EXPECT_EQ(Answer({{0, "x.example", 98}, {400, "y.example", 1}}, {.b = "3"}), Printed(R"(
                                                                     T  5 10 10+
                                                              TOTAL 99 98  1   0
                                                          x.example 98 98  0   0
                                                          y.example  1  0  1   0
)"));
  EXPECT_EQ(Answer({{0, "x.example", 99}, {400, "y.example", 1}}, {.b = "3"}), Printed(R"(
                                                                     T  5 10 10+
                                                             TOTAL 100 99  1   0
                                                         x.example  99 99  0   0
                                                         y.example   1  0  1   0
)"));
  EXPECT_EQ(Answer({{0, "x.example", 9999}, {400, "yy.example", 1}}, {.b = "3"}), Printed(R"(
                                                                   T    5 10 10+
                                                         TOTAL 10000 9999  1   0
                                                     x.example  9999 9999  0   0
                                                    yy.example     1    0  1   0
)"));
}

// No table of ours has that; an answer may.
TEST(TableTextTest, CountsLargerThanTotalsAreShownWhole) {
  Table table;
  table.columns = 3;
  table.total = {7, 7, 0};
  table.names = {"a", "b"};
  table.counts = {123'456, 0, 12, 999, 99, 0};
  TextOptions options;
  options.width = 27;
  options.bucket_count = 2;
  options.bucket_minutes = PerlNumber::Parse("5");
  EXPECT_EQ(TableText(table, options),
            "                    T  5 5+\n"
            "                 a123456  0 12\n"
            "                 b999 99  0\n"
            "             TOTAL  7  7  0\n");
}

TEST(TableTextTest, OddNamesAreRightJustifiedLikeOthers) {
  EXPECT_EQ(Answer({{0, " blank.example", 2}, {0, "+plus.example", 1}, {0, "", 3}}, {.b = "3"}),
            Printed(R"(
                                                                     T  5 10 10+
                                                              TOTAL  6  6  0   0
                                                                     3  3  0   0
                                                      blank.example  2  2  0   0
                                                      +plus.example  1  1  0   0
)"));
}

TEST(TableTextTest, ParentsAreRowsOfTheirOwn) {
  const std::vector<Mail> mails = {{0, "a.example.com", 1}, {0, "b.example.com", 1},
                                   {0, "c.example.com", 1}, {0, "d.example.com", 1},
                                   {0, "e.example.com", 2}, {0, "example.com", 2}};
  EXPECT_EQ(Answer(mails, {.b = "3", .p = true}), Printed(R"(
                                                                     T  5 10 10+
                                                              TOTAL  8  8  0   0
                                                       .example.com  6  6  0   0
                                                        example.com  2  2  0   0
                                                      e.example.com  2  2  0   0
                                                      a.example.com  1  1  0   0
                                                      b.example.com  1  1  0   0
                                                      c.example.com  1  1  0   0
                                                      d.example.com  1  1  0   0
)"));
}

TEST(TableHeadsTest, DoubleAsPerlsNumbersDo) {
  EXPECT_EQ(Heads({.b = "6", .t = "33.3"}), "T 33.3 66.6 133.2 266.4 532.8 532.8+");
  EXPECT_EQ(Heads({.b = "4", .t = "0.5"}), "T 0.5  1  2 2+");
  EXPECT_EQ(Heads({.b = "4", .t = "1e3"}), "T 1000 2000 4000 4000+");
  EXPECT_EQ(Heads({.b = "3", .t = "inf"}), "T Inf Inf Inf+");
  EXPECT_EQ(Heads({.b = "4", .t = "1e15"}),
            "T 1000000000000000 2000000000000000 4000000000000000 4000000000000000+");
}

TEST(TableHeadsTest, StayExactUpTo64Bits) {
  EXPECT_THAT(Heads({.b = "68"}),
              EndsWith(" 5764607523034234880 11529215046068469760 2.30584300921369e+19 "
                       "4.61168601842739e+19 9.22337203685478e+19 1.84467440737096e+20 "
                       "3.68934881474191e+20 3.68934881474191e+20+"));
}

TEST(TableHeadsTest, AddUpWithLinearAges) {
  EXPECT_EQ(Heads({.b = "6", .t = "0.1", .l = true}), "T 0.1 0.2 0.3 0.4 0.5 0.5+");
  EXPECT_EQ(Heads({.b = "3", .t = "60", .l = true}), "T 60 120 120+");
}

TEST(TableHeadsTest, TheLastHasAPlusUnlessBucketsAreAFraction) {
  EXPECT_EQ(Heads({.b = "1"}), "T 0+");
  EXPECT_EQ(Heads({.b = "2"}), "T  5 5+");
  EXPECT_EQ(Heads({.b = "2.0000001"}), "T  5 10");
  EXPECT_EQ(Heads({.b = "3.7"}), "T  5 10 20");
  EXPECT_EQ(Heads({.b = "0.5"}), "T");
}

TEST(TableRowsTest, AreOrderedByCountThenLengthThenBytes) {
  const std::vector<Mail> mails = {{0, "bb", 2}, {0, "c", 2},    {0, "aa", 2},
                                   {0, "a", 2},  {0, "zzzz", 3}, {0, "\xff", 2}};
  EXPECT_THAT(RowNames(Answer(mails, {.b = "3"}), 67),
              ElementsAre(EndsWith(" TOTAL"), EndsWith(" zzzz"), EndsWith(" a"), EndsWith(" c"),
                          EndsWith(" \xff"), EndsWith(" aa"), EndsWith(" bb")));
}

TEST(TableRowsTest, TotalIsOrderedLikeAnyName) {
  const auto names = [](const char* name) {
    return RowNames(Answer({{0, name, 4}}, {.b = "3"}), 67);
  };
  EXPECT_THAT(names("abcd"), ElementsAre(EndsWith(" abcd"), EndsWith("TOTAL")));
  EXPECT_THAT(names("abcdef"), ElementsAre(EndsWith("TOTAL"), EndsWith(" abcdef")));
  EXPECT_THAT(names("ABCDE"), ElementsAre(EndsWith("ABCDE"), EndsWith("TOTAL")));
  EXPECT_THAT(names("abcde"), ElementsAre(EndsWith("TOTAL"), EndsWith(" abcde")));
}

// Parents count what TOTAL does not: they may come before it.
TEST(TableRowsTest, AParentAsLargeAsTotalIsLonger) {
  EXPECT_THAT(RowNames(Answer({{0, "a.b.c", 4}}, {.b = "3", .p = true, .m = 1}), 67),
              ElementsAre(EndsWith(" .b.c"), EndsWith(" TOTAL"), EndsWith(" a.b.c")));
}

TEST(TableRowsTest, TopRowsCountTotalAsOne) {
  const auto rows = [](double top_rows) {
    return Lines(Answer(Everyday(), {.top_rows = top_rows})).size() - 1;
  };
  EXPECT_EQ(rows(0), 6U);
  EXPECT_EQ(rows(1), 1U);
  EXPECT_EQ(rows(3), 3U);
  EXPECT_EQ(rows(2.9), 2U);
  EXPECT_EQ(rows(0.5), 0U);
  EXPECT_EQ(rows(6), 6U);
  EXPECT_EQ(rows(7), 6U);
  EXPECT_EQ(rows(1e300), 6U);
}

TEST(TableRowsTest, TopRowsAreTheFirstOfAll) {
  const std::vector<std::string> all = Lines(Answer(Everyday(), {}));
  const std::vector<std::string> top = Lines(Answer(Everyday(), {.top_rows = 4}));
  EXPECT_EQ(top, std::vector<std::string>(all.begin(), all.begin() + 5));
}

TEST(TableRowsTest, HiddenNamesTakeNoPlaceOfTheTopRows) {
  const std::vector<Mail> mails = {{0, ".hidden.example", 9}, {0, "a", 1}};
  EXPECT_THAT(RowNames(Answer(mails, {.b = "3", .top_rows = 2}), 67),
              ElementsAre(EndsWith("TOTAL"), EndsWith(" a")));
}

TEST(TableNamesTest, RawNamesAreTheBytesThatTheyAre) {
  EXPECT_THAT(Answer({{0, "\x1b[2J\xff", 1}}, {.raw = true}), HasSubstr(" \x1b[2J\xff  1"));
}

TEST(TableNamesTest, OthersAreEscaped) {
  const std::string text = Answer({{0, "\x1b[2J\n\xff", 1}}, {.raw = false});
  EXPECT_THAT(text, HasSubstr(" \\x1b[2J\\x0a\\xff  1"));
  EXPECT_EQ(Lines(text).size(), 3U);
}

TEST(TableNamesTest, EscapedNamesAreMeasuredAsShown) {
  // 26 bytes that are shown as 32, of which the 18 columns hold "+" and the last 17.
  const std::vector<Mail> mails = {{0, "\x01\x02" + std::string(24, 'x'), 1}};
  for (const std::string& line : Lines(Answer(mails, {.b = "14", .raw = false}))) {
    EXPECT_EQ(line.size(), 18U + 64U) << line;
  }
  EXPECT_THAT(Lines(Answer(mails, {.b = "3", .raw = false}))[2], HasSubstr(" \\x01\\x02xxxxx"));
}

TEST(TableNamesTest, EscapedNamesAreOrderedByTheirTrueLength) {
  EXPECT_THAT(RowNames(Answer({{0, "\x01\x02", 2}, {0, "abc", 2}}, {.b = "3", .raw = false}), 67),
              ElementsAre(EndsWith("TOTAL"), EndsWith(" \\x01\\x02"), EndsWith(" abc")));
}

TEST(TableNamesTest, ACutThroughACharacterLeavesNoBrokenUtf8) {
  // 18 columns: "+" and the last 17 bytes. The cut goes through the euro sign (3 bytes).
  const std::string two_left = "abcdefgh\xe2\x82\xac" + std::string(15, 'x');
  const std::string one_left = "abcdefgh\xe2\x82\xac" + std::string(16, 'x');
  const std::string none_left = "abcdefgh\xe2\x82\xac" + std::string(17, 'x');
  const std::string all_left = "abcdefgh\xe2\x82\xac" + std::string(14, 'x');
  const auto name = [](const std::string& name, bool raw) {
    return RowNames(Answer({{0, name, 1}}, {.b = "14", .raw = raw}), 18).at(1);
  };
  EXPECT_EQ(name(two_left, false), "+??" + std::string(15, 'x'));
  EXPECT_EQ(name(one_left, false), "+?" + std::string(16, 'x'));
  EXPECT_EQ(name(none_left, false), "+" + std::string(17, 'x'));
  EXPECT_EQ(name(all_left, false), "+\xe2\x82\xac" + std::string(14, 'x'));
  EXPECT_EQ(name(two_left, true), "+\x82\xac" + std::string(15, 'x'));
}

TEST(TableNamesTest, ACutParentStartsWithDotAndPlus) {
  const std::string parent = "." + std::string(30, 'x') + ".y";
  const std::string text = Answer({{0, "a" + parent, 1}}, {.b = "14", .p = true, .m = 1});
  EXPECT_THAT(RowNames(text, 18), ElementsAre(StartsWith(" "), ".+" + std::string(14, 'x') + ".y",
                                              "+" + std::string(15, 'x') + ".y"));
}

TEST(TableTextTest, CountsBeyond32BitsAreShown) {
  ShapeTable table(2);
  const uint64_t counts[] = {10'000'000'000, 10'000'000'000};
  table.AddCounts("a", counts);
  table.AddTotalCounts(counts);
  TextOptions options;
  options.bucket_count = 1;
  EXPECT_EQ(Lines(TableText(table.Finish({}), options))[1],
            std::string(55, ' ') + "a 10000000000 10000000000");
}

}  // namespace
}  // namespace fleetqshape
