#include "common/shape/cell_digest.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace fleetqshape {
namespace {

using namespace std::string_view_literals;
using Cell = std::tuple<Queue, Axis, std::string_view, int64_t>;

uint64_t Hash(const Cell& cell) {
  const auto& [queue, axis, name, arrival] = cell;
  return CellHash(queue, axis, NameHash(name), arrival);
}

// The digest is part of the protocol between agents and aggregators of different versions. These
// constants were computed by Python (its module xxhash over struct.pack("<QqQ", ...)).
TEST(CellDigestTest, NameHashesNeverChange) {
  EXPECT_EQ(NameHash(""), 0x2d06800538d394c2U);
  EXPECT_EQ(NameHash("example.com"), 0x8b66107e8045bb73U);
  EXPECT_EQ(NameHash("MAILER-DAEMON"), 0x086b206c58e2682bU);
  EXPECT_EQ(NameHash("\xff\0\x80"sv), 0x2a8aedc0894ed6eeU);
  EXPECT_EQ(NameHash(std::string(300, 'a')), 0xc1d17581d8eb7e21U);
}

TEST(CellDigestTest, CellHashesNeverChange) {
  constexpr Axis kRecipient = Axis::kRecipientDomain;
  constexpr Axis kSender = Axis::kSenderDomain;
  EXPECT_EQ(Hash({Queue::kDeferred, kRecipient, "example.com", 1'700'000'000}),
            0x99330623b1735828U);
  EXPECT_EQ(Hash({Queue::kDeferred, kSender, "example.com", 1'700'000'000}), 0x12eeddb2995e1895U);
  EXPECT_EQ(Hash({Queue::kMaildrop, kSender, "MAILER-DAEMON", 0}), 0x82ec7c4579159664U);
  EXPECT_EQ(Hash({Queue::kActive, kRecipient, "", -1}), 0x0fe29982242f004aU);
  EXPECT_EQ(Hash({Queue::kIncoming, kRecipient, "example.com", 1'700'000'001}),
            0x414d315bc49d6d35U);
  EXPECT_EQ(Hash({Queue::kHold, kSender, "\xff\0\x80"sv, int64_t{1} << 53}), 0x2e254c93e7391545U);
}

TEST(CellDigestTest, TheSumOfAStateNeverChanges) {
  const Cell cell = {Queue::kDeferred, Axis::kRecipientDomain, "example.com", 1'700'000'000};
  EXPECT_EQ(Hash(cell) + Hash(cell) + Hash({Queue::kActive, Axis::kRecipientDomain, "", -1}) +
                Hash({Queue::kMaildrop, Axis::kSenderDomain, "MAILER-DAEMON", 0}),
            0xc535220f002b46feU);
}

TEST(CellDigestTest, EveryPartOfACellCounts) {
  std::set<uint64_t> hashes;
  size_t cells = 0;
  for (const Queue queue : kAllQueues) {
    for (const Axis axis : kAllAxes) {
      for (const std::string_view name : {"a"sv, "b"sv, ""sv, "a\0"sv}) {
        for (const int64_t arrival : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{1} << 32}) {
          hashes.insert(Hash({queue, axis, name, arrival}));
          ++cells;
        }
      }
    }
  }
  EXPECT_EQ(hashes.size(), cells);
}

}  // namespace
}  // namespace fleetqshape
