#include "cli/output/shown_name.h"

#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

TEST(ShownNameTest, NamesAreInUnicodeOnlyIfThatIsAskedFor) {
  EXPECT_EQ(ShownName("xn--bcher-kva.example", false), "xn--bcher-kva.example");
  EXPECT_EQ(ShownName("xn--bcher-kva.example", true), "bücher.example");
  EXPECT_EQ(ShownName(".xn--bcher-kva.example", true), ".bücher.example");
  EXPECT_EQ(ShownName("www.xn--fsqu00a.xn--0zwm56d", true), "www.例子.测试");
  EXPECT_EQ(ShownName("plain.example", true), "plain.example");
  EXPECT_EQ(ShownName("", true), "");
}

TEST(ShownNameTest, WhatIsNotTheOneNameStaysAsItIs) {
  for (const char* name : {
           "xn--",                     // nothing in it
           "xn--a",                    // no Punycode
           "xn--99999999999.example",  // overflows
           "xn--example-.example",     // ASCII alone: nothing to encode
           "xn--google-cf0c.example",  // a space without width
           "xn--a-wln.example",        // a direction
           "xn--ab-5da.example",       // a soft hyphen
           "xn--u-ccb.example",        // not in normal form C
           "xn--8g7cc.example",        // wide digits
           "xn--n3h.example",          // a snowman
           "xn--ab-0ea.example",       // a dot in the middle
           "xn--ggle-55da.example",    // two Cyrillic letters in google
           "xn--pple-43d.example",     // one in apple
       }) {
    EXPECT_EQ(ShownName(name, true), name);
  }
}

TEST(ShownNameTest, ScriptsThatAreWrittenTogetherAreShownTogether) {
  EXPECT_EQ(ShownName("xn--jp-s73as50l.example", true), "jp例え.example");
}

TEST(ShownNameTest, HostileNamesAreEscapedAllTheSame) {
  EXPECT_EQ(ShownName("xn--bcher-kva\x1b.example", true), "xn--bcher-kva\\x1b.example");
  EXPECT_EQ(ShownName(std::string("xn--bcher-kva\0.example", 22), true),
            "xn--bcher-kva\\x00.example");
  EXPECT_EQ(ShownName("\xff.xn--bcher-kva", true), "\\xff.xn--bcher-kva");
  const std::string longer = "xn--bcher-kva." + std::string(300, 'x');
  EXPECT_EQ(ShownName(longer, true), longer);
}

}  // namespace
}  // namespace fleetqshape
