// Expected values are what qshape's own substitutions made of the same bytes in perl 5.36:
//   lc; s/.*\@//; s/\.\././g; s/\.?(.+?)\.?$/$1/; and for parents s/^(?:\.)?[^.]+\.(.*\.)/.$1/
#include "common/shape/address.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace fleetqshape {
namespace {

using namespace std::string_view_literals;

std::string DomainOf(std::string_view address) {
  std::string domain;
  AddressToDomain(address, &domain);
  return domain;
}

struct Case {
  std::string_view address;
  std::string_view expected;
};

TEST(AddressToDomainTest, ReducesAsQshapeDoes) {
  const std::vector<Case> cases = {
      {"user@example.com"sv, "example.com"sv},
      {"User@EXAMPLE.Com"sv, "example.com"sv},
      {"root"sv, "root"sv},
      {"ROOT"sv, "root"sv},
      {""sv, "MAILER-DAEMON"sv},
      {"MAILER-DAEMON"sv, "mailer-daemon"sv},
      {"user@"sv, ""sv},
      {"@"sv, ""sv},
      {"@example.com"sv, "example.com"sv},
      {"a@b@c.example"sv, "c.example"sv},
      {"\"quoted@local\"@example.com"sv, "example.com"sv},
      {"@relay.example:user@example.com"sv, "example.com"sv},
      {"user@[192.0.2.1]"sv, "[192.0.2.1]"sv},
      {"user@[IPv6:2001:DB8::1]"sv, "[ipv6:2001:db8::1]"sv},
      {"user@.example.com"sv, "example.com"sv},
      {"user@example.com."sv, "example.com"sv},
      {"user@.example.com."sv, "example.com"sv},
      {"user@..example.com"sv, "example.com"sv},
      {"user@example.com.."sv, "example.com"sv},
      {"user@a..b"sv, "a.b"sv},
      {"user@a...b"sv, "a..b"sv},
      {"user@a....b"sv, "a..b"sv},
      {"user@a.....b"sv, "a...b"sv},
      {"user@."sv, "."sv},
      {"user@.."sv, "."sv},
      {"user@..."sv, "."sv},
      {"user@...."sv, "."sv},
      {"user@....."sv, "."sv},
      {"."sv, "."sv},
      {".."sv, "."sv},
      {".a"sv, "a"sv},
      {"a."sv, "a"sv},
      {".a."sv, "a"sv},
      {"user@ example.com "sv, " example.com "sv},
      {"user@example.com@"sv, ""sv},
      {"a.b@"sv, ""sv},
      {"a..@b"sv, "b"sv},
      {"user@B\303\234CHER.example"sv, "b\303\234cher.example"sv},
      {"user@b\303\274cher.example"sv, "b\303\274cher.example"sv},
      {"user@\304\260.example"sv, "\304\260.example"sv},
      {"user@a\000B.C"sv, "a\000b.c"sv},
      {"user@xn--bcher-kva.example"sv, "xn--bcher-kva.example"sv},
      {"user@-"sv, "-"sv},
      {"@@"sv, ""sv},
      {"@@a"sv, "a"sv},
      {".@."sv, "."sv},
      {"a@.a."sv, "a"sv},
  };
  for (const Case& c : cases) EXPECT_EQ(DomainOf(c.address), c.expected) << c.address;
}

TEST(AddressToDomainTest, ANewlineEndsWhatASubstitutionSees) {
  const std::vector<Case> cases = {
      {"\n"sv, "\n"sv},
      {"\n\n"sv, "\n\n"sv},
      {"a\n"sv, "a\n"sv},
      {"a.\n"sv, "a\n"sv},
      {".a.\n"sv, "a\n"sv},
      {"user@a.example\n"sv, "a.example\n"sv},
      {"user@a.example.\n"sv, "a.example\n"sv},
      {"user@a@b\nc"sv, "b\nc"sv},
      {"user\nname@example.com"sv, "user\nexample.com"sv},
      {"user@exam\nple.com"sv, "exam\nple.com"sv},
      {"user@exam\nple@other.com"sv, "exam\nple@other.com"sv},
      {"a@b\nc@d"sv, "b\nc@d"sv},
      {"\nuser@A.b"sv, "\na.b"sv},
      {"user@.a.\n.b."sv, ".a.\nb"sv},
      {"user@.a.\n\n"sv, ".a.\n\n"sv},
      {"user@a.\n."sv, "a.\n."sv},
      {"user@.\n"sv, ".\n"sv},
      {"user@..\n.."sv, ".\n."sv},
      {"\n.a."sv, "\na"sv},
      {"a\nb\n"sv, "a\nb\n"sv},
      {"\n@"sv, "\n"sv},
      {"@\n"sv, "\n"sv},
      {"x\n@y\n.Z."sv, "x\ny\nz"sv},
  };
  for (const Case& c : cases) EXPECT_EQ(DomainOf(c.address), c.expected) << c.address;
}

TEST(AddressToDomainTest, OnlyAsciiLettersBecomeLowerCase) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    if (byte == '@' || byte == '.' || byte == '\n') continue;
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : byte;
    EXPECT_EQ(DomainOf(std::string("x@a") + byte + "z"), std::string("a") + lower + "z") << c;
  }
}

TEST(AddressToDomainTest, ReplacesWhatTheStringHeld) {
  std::string domain = "something long that was there before";
  AddressToDomain("user@a.b", &domain);
  EXPECT_EQ(domain, "a.b");
  AddressToDomain("", &domain);
  EXPECT_EQ(domain, "MAILER-DAEMON");
  AddressToDomain("user@", &domain);
  EXPECT_EQ(domain, "");
}

TEST(AddressToDomainTest, LongAddressesAreNoSpecialCase) {
  const std::string label(100'000, 'A');
  EXPECT_EQ(DomainOf(label + "@" + label), std::string(100'000, 'a'));
  EXPECT_EQ(DomainOf("x@a" + std::string(100'000, '.') + "b"),
            "a" + std::string(50'000, '.') + "b");
}

TEST(ParentDomainTest, CutsOffOneLabelAsQshapeDoes) {
  const std::vector<Case> cases = {
      {""sv, ""sv},
      {"com"sv, ""sv},
      {"example.com"sv, ""sv},
      {"a.example.com"sv, ".example.com"sv},
      {"a.b.example.com"sv, ".b.example.com"sv},
      {".example.com"sv, ""sv},
      {".a.example.com"sv, ".example.com"sv},
      {".b.c"sv, ""sv},
      {"192.0.2.1"sv, ".0.2.1"sv},
      {"[192.0.2.1]"sv, ".0.2.1]"sv},
      {"a..b"sv, "..b"sv},
      {"a..b.c"sv, "..b.c"sv},
      {"..a.b"sv, ""sv},
      {"."sv, ""sv},
      {".."sv, ""sv},
      {"..."sv, ""sv},
      {"a."sv, ""sv},
      {"a.b."sv, ".b."sv},
      {"a.b.."sv, ".b.."sv},
      {".a."sv, ""sv},
      {".a.b."sv, ".b."sv},
      {"a.b\n.c"sv, ""sv},
      {"a\nb.c.d"sv, ".c.d"sv},
      {"a.b.c\nd.e"sv, ".b.c\nd.e"sv},
      {"a.\nb.c"sv, ""sv},
      {"\n.a.b"sv, ".a.b"sv},
      {"a..."sv, "..."sv},
      {"a b.c d.e"sv, ".c d.e"sv},
      {"\377.\000.b"sv, ".\000.b"sv},
  };
  for (const Case& c : cases) EXPECT_EQ(ParentDomain(c.address), c.expected) << c.address;
}

TEST(ParentDomainTest, TheChainEndsAtTwoLabels) {
  std::vector<std::string> chain;
  for (std::string name = "a.b.c.d.e"; !name.empty(); name = ParentDomain(name)) {
    chain.push_back(name);
  }
  EXPECT_EQ(chain, (std::vector<std::string>{"a.b.c.d.e", ".b.c.d.e", ".c.d.e", ".d.e"}));
}

}  // namespace
}  // namespace fleetqshape
