#include "common/base/printable.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fleetqshape {
namespace {

using namespace std::string_view_literals;

std::string Escaped(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += hex;
  }
  return text;
}

// The generalized UTF-8 of any number below 2^21: also of surrogates and beyond Unicode.
std::string Utf8(uint32_t c) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)};
}

// The Unicode Standard 15, table 3-7: the only well-formed byte sequences.
bool IsWellFormed(std::string_view s) {
  const auto in = [&](size_t i, int low, int high) {
    const int byte = static_cast<unsigned char>(s[i]);
    return byte >= low && byte <= high;
  };
  switch (s.size()) {
    case 1:
      return in(0, 0x00, 0x7F);
    case 2:
      return in(0, 0xC2, 0xDF) && in(1, 0x80, 0xBF);
    case 3:
      return in(2, 0x80, 0xBF) &&
             ((in(0, 0xE0, 0xE0) && in(1, 0xA0, 0xBF)) ||
              (in(0, 0xE1, 0xEC) && in(1, 0x80, 0xBF)) ||
              (in(0, 0xED, 0xED) && in(1, 0x80, 0x9F)) || (in(0, 0xEE, 0xEF) && in(1, 0x80, 0xBF)));
    case 4:
      return in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) &&
             ((in(0, 0xF0, 0xF0) && in(1, 0x90, 0xBF)) ||
              (in(0, 0xF1, 0xF3) && in(1, 0x80, 0xBF)) || (in(0, 0xF4, 0xF4) && in(1, 0x80, 0x8F)));
    default:
      return false;
  }
}

TEST(PrintableNameTest, OrdinaryNamesComeBackUnchanged) {
  for (const std::string_view name :
       {""sv, "example.com"sv, ".example.com"sv, "MAILER-DAEMON"sv, "[192.0.2.1]"sv, "[ipv6:::1]"sv,
        "a b~!\"#$%&'()*+,/:;<=>?@\\^_`{|}"sv,
        "b\xc3\xbc"
        "cher.example"sv,
        "\xe4\xbe\x8b\xe3\x81\x88.jp"sv, "\xd8\xb9\xd8\xb1\xd8\xa8.example"sv,
        "\xf0\x9f\x98\x80.example"sv, "\\x1b"sv}) {
    EXPECT_EQ(PrintableName(name), name);
  }
}

TEST(PrintableNameTest, EveryC0ControlAndDelIsEscaped) {
  for (int c = 0; c < 0x80; ++c) {
    const std::string name = {'a', static_cast<char>(c), 'b'};
    const bool control = c < 0x20 || c == 0x7F;
    EXPECT_EQ(PrintableName(name), control ? "a" + Escaped(name.substr(1, 1)) + "b" : name) << c;
  }
}

TEST(PrintableNameTest, ATerminalsEscapeSequenceIsDefused) {
  EXPECT_EQ(PrintableName("\x1b[2Jevil\r\n"), "\\x1b[2Jevil\\x0d\\x0a");
  EXPECT_EQ(PrintableName("\xc2\x9b"
                          "2J"),
            "\\xc2\\x9b2J");  // CSI as one C1 character
  EXPECT_EQ(PrintableName("\x9b"
                          "2J"),
            "\\x9b2J");  // and as one byte
}

TEST(PrintableNameTest, EveryC1ControlIsEscaped) {
  for (uint32_t c = 0x80; c <= 0x9F; ++c) EXPECT_EQ(PrintableName(Utf8(c)), Escaped(Utf8(c)));
  EXPECT_EQ(PrintableName(Utf8(0xA0)), Utf8(0xA0));
}

TEST(PrintableNameTest, CharactersThatReorderJoinOrHideTextAreEscaped) {
  struct Range {
    uint32_t first, last;
  };
  constexpr std::array<Range, 12> kRanges = {{{0xAD, 0xAD},
                                              {0x34F, 0x34F},
                                              {0x61C, 0x61C},
                                              {0x180E, 0x180E},
                                              {0x200B, 0x200F},  // zero width, LRM, RLM
                                              {0x2028, 0x202E},  // separators, overrides
                                              {0x2060, 0x206F},  // word joiner, isolates
                                              {0xFEFF, 0xFEFF},  // byte order mark
                                              {0xFFF9, 0xFFFB},
                                              {0xE0001, 0xE0001},  // tags
                                              {0xE0020, 0xE007F},
                                              {0xE0100, 0xE01EF}}};
  for (const Range& range : kRanges) {
    for (uint32_t c = range.first; c <= range.last; ++c) {
      EXPECT_EQ(PrintableName(Utf8(c)), Escaped(Utf8(c))) << std::hex << c;
    }
  }
}

TEST(PrintableNameTest, TheirNeighboursAreNot) {
  for (const uint32_t c : {0xACU,   0xAEU,    0x34EU,    0x350U,  0x61BU,  0x200AU, 0x2010U,
                           0x2027U, 0x202FU,  0x205FU,   0x2070U, 0xFEFEU, 0xFF00U, 0xFFFCU,
                           0xFFFDU, 0x10000U, 0x10FFFFU, 0x7FFU,  0x800U,  0xD7FFU, 0xE000U}) {
    EXPECT_EQ(PrintableName(Utf8(c)), Utf8(c)) << std::hex << c;
  }
}

TEST(PrintableNameTest, MalformedUtf8IsEscapedByteByByte) {
  const std::vector<std::string_view> malformed = {
      "\x80",
      "\xbf",
      "\xfe",
      "\xff",
      "\xf8\x88\x80\x80\x80",  // no first bytes
      "\xc3",
      "\xe2\x82",
      "\xf0\x9f\x98",  // cut off
      "\xc0\x80",
      "\xc0\xaf",
      "\xc1\xbf",  // overlong, of two bytes
      "\xe0\x80\x80",
      "\xe0\x9f\xbf",  // of three
      "\xf0\x80\x80\x80",
      "\xf0\x8f\xbf\xbf",  // of four
      "\xed\xa0\x80",
      "\xed\xaf\xbf",
      "\xed\xb0\x80",
      "\xed\xbf\xbf",  // surrogates
      "\xf4\x90\x80\x80",
      "\xf5\x80\x80\x80",
      "\xf7\xbf\xbf\xbf",  // beyond U+10FFFF
  };
  for (const std::string_view bytes : malformed) {
    EXPECT_EQ(PrintableName(bytes), Escaped(bytes));
    const std::string inside = "a" + std::string(bytes) + "z";
    EXPECT_EQ(PrintableName(inside), "a" + Escaped(bytes) + "z");
  }
}

TEST(PrintableNameTest, WhatFollowsAMalformedByteIsReadAnew) {
  EXPECT_EQ(PrintableName("\xc3\xc3\xa9"), "\\xc3\xc3\xa9");
  EXPECT_EQ(PrintableName("\xe2\x82\xe2\x82\xac"), "\\xe2\\x82\xe2\x82\xac");
  EXPECT_EQ(PrintableName("\xf0\x9f"
                          "A"),
            "\\xf0\\x9f"
            "A");
  EXPECT_EQ(PrintableName("\xe2\x1b[m"), "\\xe2\\x1b[m");
}

// Compared with the standard's table: all sequences of two bytes, and all first two bytes of longer
// ones.
TEST(PrintableNameTest, ExactlyWellFormedSequencesAreKept) {
  const auto expect = [](const std::string& s) {
    EXPECT_EQ(PrintableName(s) == s, IsWellFormed(s)) << Escaped(s);
  };
  for (int first = 0xA0; first < 0x100; ++first) {
    for (int second = 0; second < 0x100; ++second) {
      const std::string two = {static_cast<char>(first), static_cast<char>(second)};
      const bool deceptive = two[0] == '\xC2' && (second < 0xA0 || second == 0xAD);
      const bool combining = two == Utf8(0x34F) || two == Utf8(0x61C);
      if (!deceptive && !combining) expect(two);
      expect(two + "\xBC");  // U+xx3C: none of the deceptive ones
      expect(two + "\x7F");
      expect(two + "\xC0");
      if (two != "\xF3\xA0") expect(two + "\xBC\xBC");  // tags
      expect(two + "\xBC\x7F");
      expect(two + "\xBC\xC0");
    }
  }
}

TEST(PrintableNameTest, WhatComesOutIsAlwaysFitToBeShown) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string name;
    for (unsigned n = random() % 12; n > 0; --n) {
      name += random() % 3 == 0 ? Utf8(random() % 0x110000)
                                : std::string(1, static_cast<char>(random()));
    }
    const std::string once = PrintableName(name);
    EXPECT_EQ(PrintableName(once), once) << Escaped(name);
    for (const char c : once) {
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << Escaped(name);
    }
  }
}

}  // namespace
}  // namespace fleetqshape
