#include "common/base/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

bool NameIsValid(std::string_view name) { return ValidateName("host", name).ok(); }
bool AddressIsValid(std::string_view address) { return ValidateAddress("--listen", address).ok(); }

TEST(ValidateNameTest, LettersDigitsAndFourSignsAreAllowed) {
  for (const char* name : {"a", "mx1.example.com", "EU-west_2", "spool:1", "-", "0"}) {
    EXPECT_TRUE(NameIsValid(name)) << name;
  }
}

TEST(ValidateNameTest, AnyOtherByteIsRefused) {
  const std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:";
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    EXPECT_EQ(NameIsValid(std::string("a") + byte), allowed.find(byte) != allowed.npos) << c;
  }
}

TEST(ValidateNameTest, LengthIsOneTo253) {
  EXPECT_FALSE(NameIsValid(""));
  EXPECT_TRUE(NameIsValid(std::string(253, 'a')));
  EXPECT_FALSE(NameIsValid(std::string(254, 'a')));
}

TEST(ValidateNameTest, TheMessageSaysWhatIsWrong) {
  const absl::Status status = ValidateName("cluster", "a/b");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cluster"));
}

TEST(ValidateAddressTest, HostAndPortAreAccepted) {
  for (const char* address :
       {"127.0.0.1:7777", "localhost:1", "mx.example.com:65535", "[::1]:7777", "[fe80::1]:0"}) {
    EXPECT_TRUE(AddressIsValid(address)) << address;
  }
}

TEST(ValidateAddressTest, BothHostAndPortAreNeeded) {
  for (const char* address : {"", ":", ":7777", "localhost", "localhost:", "[::1]", "[::1]:"}) {
    EXPECT_FALSE(AddressIsValid(address)) << address;
  }
}

TEST(ValidateAddressTest, ThePortIsANumberOf16Bits) {
  for (const char* port :
       {"65536", "99999999999999999999", "-1", "+1", " 1", "1 ", "1x", "0x10", "http", "1.5"}) {
    EXPECT_FALSE(AddressIsValid(std::string("localhost:") + port)) << port;
  }
}

TEST(ValidateAddressTest, ANumericIpv6HostNeedsBrackets) {
  EXPECT_FALSE(AddressIsValid("::1:7777"));
  EXPECT_FALSE(AddressIsValid("[::1:7777"));
  EXPECT_FALSE(AddressIsValid("::1]:7777"));
  EXPECT_FALSE(AddressIsValid("[::1]x:7777"));
}

TEST(ValidateAddressTest, EmptyBracketsAreNoHost) { EXPECT_FALSE(AddressIsValid("[]:7777")); }

TEST(ValidateAddressTest, TheMessageSaysWhatIsWrong) {
  const absl::Status status = ValidateAddress("--aggregator", "x");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--aggregator"));
}

}  // namespace
}  // namespace fleetqshape
