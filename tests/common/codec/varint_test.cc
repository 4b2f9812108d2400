#include "common/codec/varint.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

std::string ProtobufsBytes(uint64_t value) {
  std::string bytes;
  google::protobuf::io::StringOutputStream out(&bytes);
  google::protobuf::io::CodedOutputStream(&out).WriteVarint64(value);
  return bytes;
}

std::string Bytes(uint64_t value) {
  char bytes[kMaxVarintBytes];
  return {bytes, static_cast<size_t>(WriteVarint(value, bytes) - bytes)};
}

// Each power of two, and what is beside it.
std::vector<uint64_t> OddNumbers() {
  std::vector<uint64_t> numbers = {0};
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    numbers.insert(numbers.end(), {power - 1, power, power + 1, power | 0x2a});
  }
  numbers.push_back(~uint64_t{0});
  return numbers;
}

TEST(VarintTest, AreWrittenAsProtobufWritesThem) {
  for (const uint64_t number : OddNumbers()) EXPECT_EQ(Bytes(number), ProtobufsBytes(number));
}

TEST(VarintTest, AColumnIsReadAsItWasWritten) {
  std::vector<uint64_t> numbers = OddNumbers();
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(50); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    std::string column;
    for (const uint64_t number : numbers) column += ProtobufsBytes(number);
    // At the end of what may be read, and with bytes behind it that are none of its own.
    for (const std::string behind : {"", "\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}) {
      const std::string all = column + behind;
      const char* const end = all.data() + all.size();
      VarintColumn any({all.data(), column.size()}, end);
      VarintColumn small = any;
      EXPECT_EQ(any.Count(), numbers.size());
      for (const uint64_t number : numbers) {
        uint64_t value = 0;
        ASSERT_TRUE(any.Next(&value));
        ASSERT_EQ(value, number);
        ASSERT_TRUE(small.NextSmall(&value));
        ASSERT_EQ(value, number);
      }
      uint64_t value = 0;
      EXPECT_TRUE(any.AtEnd() && small.AtEnd());
      EXPECT_FALSE(any.Next(&value) || small.NextSmall(&value));
    }
    numbers.clear();
    for (int64_t left = random.Between(0, 200); left > 0; --left) {
      numbers.push_back(static_cast<uint64_t>(random.Between(0, INT64_MAX)) >>
                        random.Between(0, 63));
    }
  }
}

TEST(VarintTest, OneThatDoesNotEndIsRefused) {
  for (size_t size = 0; size < 12; ++size) {
    const std::string open(size, '\x80');
    for (const std::string behind : {"", "\x01", "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"}) {
      const std::string all = open + behind;
      const char* const end = all.data() + all.size();
      uint64_t value = 0;
      EXPECT_FALSE(VarintColumn({all.data(), size}, end).Next(&value)) << size;
      EXPECT_FALSE(VarintColumn({all.data(), size}, end).NextSmall(&value)) << size;
      const char* next = all.data();
      EXPECT_FALSE(ReadVarint(&next, all.data() + size, &value)) << size;
    }
  }
  const std::string too_long = std::string(10, '\x80') + '\x01';
  uint64_t value = 0;
  const char* const end = too_long.data() + too_long.size();
  EXPECT_FALSE(VarintColumn(too_long, end).Next(&value));
}

}  // namespace
}  // namespace fleetqshape
