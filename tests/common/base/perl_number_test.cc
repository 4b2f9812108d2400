// All expected values are what perl 5.36 makes of the same text.
#include "common/base/perl_number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace fleetqshape {
namespace {

using namespace std::string_view_literals;

PerlNumber Zero() { return PerlNumber::FromUnsigned(0); }

// What `print 0 + $text` shows.
std::string Printed(std::string_view text) { return (Zero() + PerlNumber::Parse(text)).ToString(); }

bool IsWhole(std::string_view text) {
  bool whole = false;
  PerlNumber::Parse(text, &whole);
  return whole;
}

struct ReadCase {
  std::string_view text;
  std::string_view printed;
  bool whole;
};

void ExpectRead(const std::vector<ReadCase>& cases) {
  for (const ReadCase& c : cases) {
    EXPECT_EQ(Printed(c.text), c.printed) << '"' << c.text << '"';
    EXPECT_EQ(IsWhole(c.text), c.whole) << '"' << c.text << '"';
  }
}

TEST(PerlNumberTest, ReadsTheLongestNumericPrefix) {
  ExpectRead({
      {"", "0", false},
      {"abc", "0", false},
      {"12abc", "12", false},
      {"5 x", "5", false},
      {"5\xa0", "5", false},
      {"1_000", "1", false},
      {"1.2.3", "1.2", false},
      {"1e3e3", "1000", false},
      {"1.5e3abc", "1500", false},
      {"5\0"sv, "5", false},
      {"\0005"sv, "0", false},
      {"007", "7", true},
      {"42", "42", true},
      {"0 ", "0", true},
  });
}

TEST(PerlNumberTest, SkipsBlanksBeforeAndAllowsThemBehind) {
  ExpectRead({
      {"  \t\n\v\f\r 42 ", "42", true},
      {"5 \n", "5", true},
      {"\xa0"
       "5",
       "0", false},
      {"   ", "0", false},
  });
}

TEST(PerlNumberTest, TakesOneSign) {
  ExpectRead({
      {"-5", "-5", true},
      {"+7", "7", true},
      {"- 5", "0", false},
      {"--5", "0", false},
      {"+-5", "0", false},
      {"-", "0", false},
      {"-0", "0", true},
      {" -3 ", "-3", true},
  });
}

TEST(PerlNumberTest, APointNeedsADigitOnOneSide) {
  ExpectRead({
      {"5.", "5", true},
      {".5", "0.5", true},
      {"-.5", "-0.5", true},
      {".", "0", false},
      {"+.e5", "0", false},
      {"5.e3", "5000", true},
      {"0.0001", "0.0001", true},
  });
}

TEST(PerlNumberTest, AnExponentCountsOnlyIfItIsWhole) {
  ExpectRead({
      {"1E5", "100000", true},
      {"1e+05", "100000", true},
      {"1e-5", "1e-05", true},
      {"1e", "1", false},
      {"1e+", "1", false},
      {"1e-", "1", false},
      {"1ee5", "1", false},
      {"0e0", "0", true},
      {" 1e3", "1000", true},
  });
}

TEST(PerlNumberTest, KnowsNoHexadecimal) {
  ExpectRead({{"0x40", "0", false}, {"0x", "0", false}, {"0b11", "0", false}});
}

TEST(PerlNumberTest, ReadsInfinityAndNanInAnyCase) {
  ExpectRead({
      {"inf", "Inf", true},
      {"INF", "Inf", true},
      {"+inf", "Inf", true},
      {"-inf", "-Inf", true},
      {"Infinity", "Inf", true},
      {" -infinity ", "-Inf", true},
      {"infx", "Inf", false},
      {"infinit", "Inf", false},
      {"infinityx", "Inf", false},
      {"nan", "NaN", true},
      {"NaN ", "NaN", true},
      {"+nan", "NaN", true},
      {"-nan", "NaN", true},
      {"nanx", "NaN", false},
      {"in", "0", false},
      {"na", "0", false},
  });
}

TEST(PerlNumberTest, AnExponentBeyondADoubleGivesInfinityOrZero) {
  ExpectRead({
      {"1e400", "Inf", true},
      {"-1e400", "-Inf", true},
      {"1e99999999999999999999999", "Inf", true},
      {"1.7976931348623159e308", "Inf", true},
      {"1e-400", "0", true},
      {"2e-324", "0", true},
      {"4.9e-324", "4.94065645841247e-324", true},
      {"1e-310", "9.99999999999997e-311", true},
      {"1e-99999999999999999999999", "0", true},
      {"0e999999999999", "0", true},
  });
}

TEST(PerlNumberTest, ManyDigitsBeforeThePointGiveInfinityWhateverTheExponentsSign) {
  const std::string huge = "1" + std::string(400, '0');
  EXPECT_EQ(Printed(huge), "Inf");
  EXPECT_EQ(Printed(huge + "e5"), "Inf");
  EXPECT_EQ(Printed(huge + "e-5"), "Inf");
  EXPECT_EQ(Printed("-" + huge), "-Inf");
}

TEST(PerlNumberTest, ManyZeroesBehindThePointGiveZeroWhateverTheExponentsSign) {
  const std::string tiny = "0." + std::string(400, '0') + "1";
  EXPECT_EQ(Printed(tiny), "0");
  EXPECT_EQ(Printed(tiny + "e5"), "0");
  EXPECT_EQ(Printed(tiny + "e-5"), "0");
  EXPECT_EQ(Printed("-" + tiny), "0");
}

TEST(PerlNumberTest, DigitsBeyondADoublesRangeCanStillMakeANumber) {
  EXPECT_EQ(Printed("1" + std::string(400, '0') + "e-400"), "1");
  EXPECT_EQ(Printed("0." + std::string(400, '0') + "1e401"), "1");
}

TEST(PerlNumberTest, PrintsAllDigitsOfIntegers) {
  for (const char* text : {"0", "9007199254740993", "123456789012345678", "9223372036854775807",
                           "9223372036854775808", "18446744073709551615"}) {
    EXPECT_EQ(PerlNumber::Parse(text).ToString(), text);
    EXPECT_EQ(Printed(text), text);
  }
  EXPECT_EQ(PerlNumber::Parse("-9007199254740993").ToString(), "-9007199254740993");
  EXPECT_EQ(PerlNumber::Parse("-9223372036854775808").ToString(), "-9223372036854775808");
  EXPECT_EQ(Printed("1e15"), "1000000000000000");
  EXPECT_EQ(Printed("1e16"), "10000000000000000");
}

TEST(PerlNumberTest, PrintsFifteenSignificantDigitsOfDoubles) {
  EXPECT_EQ(Printed("0.1"), "0.1");
  EXPECT_EQ(Printed("0.30000000000000004"), "0.3");
  EXPECT_EQ(Printed("123456789.123456789"), "123456789.123457");
  EXPECT_EQ(Printed("18446744073709551616"), "1.84467440737096e+19");
  EXPECT_EQ(Printed("1e22"), "1e+22");
  EXPECT_EQ(Printed("-9223372036854775809"), "-9.22337203685478e+18");
}

// perl -e '$t += $t for 1..N': -t as the heads of a table double it.
TEST(PerlNumberTest, DoublingKeepsIntegersExactUpTo64Bits) {
  PerlNumber age = PerlNumber::FromUnsigned(5);
  for (uint64_t exact = 5; exact < uint64_t{1} << 63; exact *= 2) {
    EXPECT_EQ(age.ToString(), std::to_string(exact));
    age = age + age;
  }
  EXPECT_EQ(age.ToString(), "11529215046068469760");
  age = age + age;
  EXPECT_EQ(age.ToString(), "2.30584300921369e+19");
  age = age + age;
  EXPECT_EQ(age.ToString(), "4.61168601842739e+19");
}

TEST(PerlNumberTest, DoublingAFractionBecomesExactOnceItIsWhole) {
  PerlNumber age = Zero() + PerlNumber::Parse("0.5");
  EXPECT_EQ(age.ToString(), "0.5");
  for (int i = 0; i < 60; ++i) {
    age = age + age;
    EXPECT_EQ(age.ToString(), std::to_string(uint64_t{1} << i));
  }
}

TEST(PerlNumberTest, AddsFractionsAsDoubles) {
  const PerlNumber tenth = PerlNumber::Parse("0.1");
  EXPECT_EQ((tenth + tenth + tenth).ToString(), "0.3");
  EXPECT_EQ((tenth + tenth + tenth).AsDouble(), 0.1 + 0.1 + 0.1);
  EXPECT_EQ((PerlNumber::Parse("33.3") + PerlNumber::Parse("33.3")).ToString(), "66.6");
}

TEST(PerlNumberTest, AddsNegativeNumbers) {
  EXPECT_EQ((PerlNumber::Parse("-5") + PerlNumber::Parse("3")).ToString(), "-2");
  EXPECT_EQ((PerlNumber::Parse("5") + PerlNumber::Parse("-5")).ToString(), "0");
  EXPECT_EQ((PerlNumber::Parse("inf") + PerlNumber::Parse("-inf")).ToString(), "NaN");
}

TEST(PerlNumberTest, AsDoubleIsTheNearestDouble) {
  EXPECT_EQ(PerlNumber::Parse("-12").AsDouble(), -12.0);
  EXPECT_EQ(PerlNumber::Parse("0.1").AsDouble(), 0.1);
  EXPECT_EQ(PerlNumber::Parse("18446744073709551615").AsDouble(), 18446744073709551616.0);
  EXPECT_EQ(PerlNumber::Parse("inf").AsDouble(), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(PerlNumber::Parse("nan").AsDouble()));
  EXPECT_EQ(PerlNumber::FromDouble(-3.0).AsDouble(), -3.0);
}

// perl's seek($handle, $text, 0) and tell show these.
TEST(PerlNumberTest, AsASignedIntegerIsTruncatedTowardsZero) {
  EXPECT_EQ(PerlNumber::Parse("1.9").AsSigned64(), 1);
  EXPECT_EQ(PerlNumber::Parse("-1.9").AsSigned64(), -1);
  EXPECT_EQ(PerlNumber::Parse("-0.9").AsSigned64(), 0);
  EXPECT_EQ(PerlNumber::Parse("1e3").AsSigned64(), 1000);
  EXPECT_EQ(PerlNumber::Parse("nan").AsSigned64(), 0);
}

TEST(PerlNumberTest, AsASignedIntegerWrapsAbove63Bits) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(PerlNumber::Parse("9223372036854775807").AsSigned64(),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(PerlNumber::Parse("9223372036854775808").AsSigned64(), kMin);
  EXPECT_EQ(PerlNumber::Parse("9223372036854775808.0").AsSigned64(), kMin);
  EXPECT_EQ(PerlNumber::Parse("18446744073709551611").AsSigned64(), -5);
  EXPECT_EQ(PerlNumber::Parse("18446744073709551615").AsSigned64(), -1);
  EXPECT_EQ(PerlNumber::Parse("18446744073709549568.0").AsSigned64(), -2048);
  EXPECT_EQ(PerlNumber::Parse("1e19").AsSigned64(), -8446744073709551616);
}

TEST(PerlNumberTest, AsASignedIntegerIsMinusOneFrom64BitsOn) {
  for (const char* text :
       {"18446744073709551616", "1e20", "1e400", "inf", "100000000000000000000"}) {
    EXPECT_EQ(PerlNumber::Parse(text).AsSigned64(), -1) << text;
  }
}

TEST(PerlNumberTest, AsASignedIntegerStopsAtTheSmallest) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(PerlNumber::Parse("-5").AsSigned64(), -5);
  for (const char* text : {"-9223372036854775808", "-9223372036854775809", "-1e30", "-inf"}) {
    EXPECT_EQ(PerlNumber::Parse(text).AsSigned64(), kMin) << text;
  }
}

// Perl knows what Windows prints, and letters behind nan, on every system.
TEST(PerlNumberTest, ReadsTheOtherSpellingsOfInfinityAndNan) {
  ExpectRead({
      {"1.#INF", "Inf", true},
      {"1#INF", "Inf", true},
      {"-1.#inf", "-Inf", true},
      {"1.#INFx", "Inf", false},
      {"1.#IND", "NaN", true},
      {"1.#QNAN", "NaN", true},
      {"nanq", "NaN", true},
      {"nan(123)", "NaN", true},
      {"01.#INF", "1", false},
      {"1.#I", "1", false},
  });
}

// Perl reads an integer written with an exponent as one while it fits into 64 bits.
TEST(PerlNumberTest, AnExponentThatFits64BitsMakesAnInteger) {
  EXPECT_EQ(Printed("1e17"), "100000000000000000");
  EXPECT_EQ(Printed("1e19"), "10000000000000000000");
  EXPECT_EQ(Printed("1e20"), "1e+20");
}

}  // namespace
}  // namespace fleetqshape
