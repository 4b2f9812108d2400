#include "common/codec/section_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/sections.h"

namespace fleetqshape {
namespace {

using test::DecodeState;
using test::SectionOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kMaxId = std::numeric_limits<uint32_t>::max();
constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();

using Cells = std::map<uint32_t, std::multiset<int64_t>>;

Block BlockOf(const Cells& cells) {
  BlockBuilder builder;
  for (const auto& [name_id, arrivals] : cells) {
    builder.StartName(name_id);
    for (const int64_t arrival : arrivals) builder.AddArrival(arrival);
  }
  return builder.Finish();
}

BlockDelta DeltaOf(const Cells& gained, const Cells& lost) {
  return {BlockOf(gained), BlockOf(lost)};
}

std::string EncodedBytes(const BlockDelta& delta) {
  return EncodeSection(Queue::kDeferred, Axis::kRecipientDomain, delta);
}
v1::Section Encode(const BlockDelta& delta) { return SectionOf(EncodedBytes(delta)); }

absl::StatusOr<DecodedSection> Decode(const v1::Section& section) {
  return DecodeSection(section.SerializeAsString());
}

void ExpectRoundTrip(const BlockDelta& delta) {
  const std::string bytes = EncodedBytes(delta);
  EXPECT_EQ(SectionOf(bytes).SerializeAsString(), bytes) << "protobuf would write something else";
  const auto decoded = DecodeSection(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->queue, Queue::kDeferred);
  EXPECT_EQ(decoded->axis, Axis::kRecipientDomain);
  EXPECT_EQ(decoded->delta.gained, delta.gained);
  EXPECT_EQ(decoded->delta.lost, delta.lost);
  EXPECT_TRUE(decoded->plain);
}

// What Block promises.
void ExpectValid(const Block& block) {
  ASSERT_EQ(block.offsets.size(), block.name_ids.size() + 1);
  ASSERT_EQ(block.offsets.front(), 0U);
  ASSERT_EQ(block.offsets.back(), block.arrivals.size());
  for (size_t i = 0; i < block.name_ids.size(); ++i) {
    ASSERT_TRUE(i == 0 || block.name_ids[i - 1] < block.name_ids[i]);
    ASSERT_LT(block.offsets[i], block.offsets[i + 1]);
    for (uint32_t k = block.offsets[i] + 1; k < block.offsets[i + 1]; ++k) {
      ASSERT_LE(block.arrivals[k - 1], block.arrivals[k]);
    }
  }
}

// A good section of three names, that a test breaks: name 4 gains two and loses one, 5 gains one,
// 9 loses one.
BlockDelta GoodDelta() {
  return DeltaOf({{4, {1000, 1007}}, {5, {1001}}}, {{4, {1003}}, {9, {1002}}});
}
v1::Section GoodSection() { return Encode(GoodDelta()); }

void ExpectRefused(const std::function<void(v1::Section*)>& damage) {
  v1::Section section = GoodSection();
  ASSERT_TRUE(Decode(section).ok());
  damage(&section);
  EXPECT_EQ(Decode(section).status().code(), absl::StatusCode::kInvalidArgument)
      << section.ShortDebugString();
}

TEST(EncodeSectionTest, WritesTheColumnsOfTheSchema) {
  const v1::Section section = GoodSection();
  EXPECT_EQ(section.queue(), v1::QUEUE_DEFERRED);
  EXPECT_EQ(section.axis(), v1::AXIS_RECIPIENT_DOMAIN);
  EXPECT_EQ(section.base_seconds(), 1000);
  EXPECT_THAT(section.name_id_steps(), ElementsAre(4, 1, 4));
  EXPECT_THAT(section.gained(), ElementsAre(2, 1, 0));
  EXPECT_THAT(section.lost(), ElementsAre(1, 0, 1));
  EXPECT_THAT(section.gained_steps(), ElementsAre(0, 7, 1));
  EXPECT_THAT(section.lost_steps(), ElementsAre(3, 2));
}

TEST(EncodeSectionTest, AStateHasNoEntriesOfLosses) {
  const v1::Section section = SectionOf(
      EncodeSection(Queue::kMaildrop, Axis::kSenderDomain, BlockOf({{0, {7, 7}}, {kMaxId, {-3}}})));
  EXPECT_EQ(section.queue(), v1::QUEUE_MAILDROP);
  EXPECT_EQ(section.axis(), v1::AXIS_SENDER_DOMAIN);
  EXPECT_EQ(section.base_seconds(), -3);
  EXPECT_THAT(section.name_id_steps(), ElementsAre(0, kMaxId));
  EXPECT_THAT(section.gained(), ElementsAre(2, 1));
  EXPECT_THAT(section.gained_steps(), ElementsAre(10, 0, 0));
  EXPECT_THAT(section.lost(), IsEmpty());
  EXPECT_THAT(section.lost_steps(), IsEmpty());
}

TEST(EncodeSectionTest, TheBaseIsTheEarliestOfGainsAndLosses) {
  EXPECT_EQ(Encode(DeltaOf({{1, {50}}}, {{2, {40}}})).base_seconds(), 40);
  EXPECT_EQ(Encode(DeltaOf({{1, {50}}, {2, {30}}}, {{2, {40}}})).base_seconds(), 30);
  EXPECT_EQ(Encode(DeltaOf({}, {{2, {40}}})).base_seconds(), 40);
  EXPECT_EQ(Encode(BlockDelta()).base_seconds(), 0);
}

// The bytes stand on disks and travel between versions.
TEST(EncodeSectionTest, TheBytesNeverChange) {
  EXPECT_EQ(EncodedBytes(GoodDelta()),
            std::string("\x08\x05"              // queue
                        "\x10\x01"              // axis
                        "\x1a\x03\x04\x01\x04"  // name_id_steps
                        "\x22\x03\x02\x01\x00"  // gained
                        "\x2a\x03\x01\x00\x01"  // lost
                        "\x30\xd0\x0f"          // base_seconds, zigzag
                        "\x3a\x03\x00\x07\x01"  // gained_steps
                        "\x42\x02\x03\x02",
                        31));  // lost_steps
}

TEST(SectionRoundTripTest, KeepsTheQueueAndTheAxis) {
  for (const Queue queue : kAllQueues) {
    for (const Axis axis : kAllAxes) {
      const auto section = DecodeSection(EncodeSection(queue, axis, BlockOf({{1, {2}}})));
      ASSERT_TRUE(section.ok()) << section.status();
      EXPECT_EQ(section->queue, queue);
      EXPECT_EQ(section->axis, axis);
    }
  }
}

TEST(SectionRoundTripTest, KeepsOddDeltas) {
  ExpectRoundTrip({});
  ExpectRoundTrip(DeltaOf({{0, {0}}}, {}));
  ExpectRoundTrip(DeltaOf({}, {{0, {0}}}));
  ExpectRoundTrip(DeltaOf({{0, {5, 5, 5}}, {kMaxId, {5}}}, {{0, {5}}, {kMaxId - 1, {5}}}));
  ExpectRoundTrip(DeltaOf({{7, {-100, 100}}}, {{6, {-200}}, {8, {200}}}));
}

TEST(SectionRoundTripTest, KeepsTheWholeRangeOfAnEnvelopesArrivals) {
  const int64_t limit = int64_t{1} << 53;  // postfix::Envelope::arrival_seconds
  ExpectRoundTrip(
      DeltaOf({{1, {-limit, 0, limit}}, {2, {limit}}}, {{1, {limit}}, {3, {-limit, limit}}}));
}

TEST(SectionRoundTripTest, KeepsTheWholeRangeOf64Bits) {
  ExpectRoundTrip(DeltaOf({{1, {kMin64, -1, 0, kMax64}}, {2, {kMax64, kMax64}}}, {{1, {kMin64}}}));
  ExpectRoundTrip(DeltaOf({{1, {kMax64}}}, {}));
  ExpectRoundTrip(DeltaOf({}, {{1, {kMin64}}}));
}

TEST(SectionRoundTripTest, KeepsWhatNeeds4BytesOr8OnEitherSide) {
  const int64_t too_late = int64_t{1} << 32;
  const Cells narrow = {{1, {0, 1767225600, too_late - 1}}, {4, {7}}};
  for (const int64_t odd : {int64_t{-1}, too_late, kMin64, kMax64}) {
    SCOPED_TRACE(odd);
    const Cells wide = {{1, {0, too_late - 1, odd}}, {2, {odd}}, {3, {5}}};
    ExpectRoundTrip(DeltaOf(narrow, wide));
    ExpectRoundTrip(DeltaOf(wide, narrow));
    ExpectRoundTrip(DeltaOf(wide, wide));
    const auto state = DecodeState(EncodedBytes(DeltaOf(wide, {})));
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(*state, BlockOf(wide));
    EXPECT_FALSE(state->arrivals.narrow());
  }
  const auto state = DecodeState(EncodedBytes(DeltaOf(narrow, {})));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(*state, BlockOf(narrow));
  EXPECT_TRUE(state->arrivals.narrow());
}

TEST(SectionRoundTripTest, NothingOfAStateIsSpare) {
  const Block block = BlockOf({{1, {5, 6, 7}}, {2, {5}}, {9, {1, 2, 3}}});
  const auto state = DecodeState(EncodeSection(Queue::kHold, Axis::kSenderDomain, block));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->name_ids.capacity(), 3U);
  EXPECT_EQ(state->offsets.capacity(), 4U);
  EXPECT_EQ(state->arrivals.bytes(), 28U);
}

TEST(SectionRoundTripTest, KeepsRandomBlocksAndDeltas) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto some = [&] {
    Cells cells;
    const int64_t spread = int64_t{1} << (random() % 50);
    for (unsigned n = random() % 60; n > 0; --n) {
      const uint32_t id = random() % 3 == 0 ? static_cast<uint32_t>(random()) : random() % 100;
      cells[id].insert(static_cast<int64_t>(random() % static_cast<uint64_t>(2 * spread)) - spread);
    }
    return cells;
  };
  for (int round = 0; round < 500; ++round) {
    const Block block = BlockOf(some());
    ExpectRoundTrip(DeltaOf(some(), some()));
    ExpectRoundTrip({block, {}});
    const auto state = DecodeState(EncodeSection(Queue::kHold, Axis::kSenderDomain, block));
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(*state, block);
  }
}

TEST(DecodeSectionTest, AnEmptySectionIsAnEmptyDelta) {
  v1::Section section;
  section.set_queue(v1::QUEUE_ACTIVE);
  section.set_axis(v1::AXIS_SENDER_DOMAIN);
  const auto delta = Decode(section);
  ASSERT_TRUE(delta.ok());
  EXPECT_TRUE(delta->delta.empty());
}

TEST(DecodeSectionTest, RefusesAnUnknownQueue) {
  for (const int queue : {0, 6, -1, 256 + 5}) {
    ExpectRefused([&](v1::Section* s) { s->set_queue(static_cast<v1::Queue>(queue)); });
  }
}

TEST(DecodeSectionTest, RefusesAnUnknownAxis) {
  for (const int axis : {0, 3, -1, 256 + 1}) {
    ExpectRefused([&](v1::Section* s) { s->set_axis(static_cast<v1::Axis>(axis)); });
  }
}

TEST(DecodeSectionTest, RefusesColumnsOfDifferentLengths) {
  ExpectRefused([](v1::Section* s) { s->add_name_id_steps(1); });
  ExpectRefused([](v1::Section* s) { s->mutable_name_id_steps()->RemoveLast(); });
  ExpectRefused([](v1::Section* s) { s->add_gained(0); });
  ExpectRefused([](v1::Section* s) { s->mutable_gained()->RemoveLast(); });
  ExpectRefused([](v1::Section* s) { s->clear_gained(); });
  ExpectRefused([](v1::Section* s) { s->add_lost(0); });
  ExpectRefused([](v1::Section* s) { s->mutable_lost()->RemoveLast(); });
  ExpectRefused([](v1::Section* s) { s->clear_name_id_steps(); });
}

TEST(DecodeSectionTest, RefusesIdsThatDoNotRise) {
  ExpectRefused([](v1::Section* s) { s->set_name_id_steps(1, 0); });
  ExpectRefused([](v1::Section* s) { s->set_name_id_steps(2, 0); });
}

TEST(DecodeSectionTest, TheFirstIdMayBeZero) {
  v1::Section section = GoodSection();
  section.set_name_id_steps(0, 0);
  const auto delta = Decode(section);
  ASSERT_TRUE(delta.ok());
  EXPECT_THAT(delta->delta.gained.name_ids, ElementsAre(0, 1));
  EXPECT_THAT(delta->delta.lost.name_ids, ElementsAre(0, 5));
}

TEST(DecodeSectionTest, RefusesIdsBeyond32Bits) {
  ExpectRefused([](v1::Section* s) { s->set_name_id_steps(0, kMaxId - 4); });
  ExpectRefused([](v1::Section* s) { s->set_name_id_steps(2, kMaxId - 4); });
  v1::Section section = GoodSection();
  section.set_name_id_steps(2, kMaxId - 5);
  const auto delta = Decode(section);
  ASSERT_TRUE(delta.ok());
  EXPECT_THAT(delta->delta.lost.name_ids, ElementsAre(4, kMaxId));
}

TEST(DecodeSectionTest, RefusesANameWithoutAChange) {
  ExpectRefused([](v1::Section* s) {
    s->add_name_id_steps(1);
    s->add_gained(0);
    s->add_lost(0);
  });
  ExpectRefused([](v1::Section* s) {
    s->clear_lost();
    s->clear_lost_steps();  // name 9 gains nothing
  });
}

TEST(DecodeSectionTest, RefusesFewerArrivalsThanCounted) {
  ExpectRefused([](v1::Section* s) { s->mutable_gained_steps()->RemoveLast(); });
  ExpectRefused([](v1::Section* s) { s->mutable_lost_steps()->RemoveLast(); });
  ExpectRefused([](v1::Section* s) { s->clear_gained_steps(); });
  ExpectRefused([](v1::Section* s) { s->set_gained(1, 2); });
  ExpectRefused([](v1::Section* s) { s->set_lost(2, 2); });
}

TEST(DecodeSectionTest, RefusesMoreArrivalsThanCounted) {
  ExpectRefused([](v1::Section* s) { s->add_gained_steps(0); });
  ExpectRefused([](v1::Section* s) { s->add_lost_steps(0); });
  ExpectRefused([](v1::Section* s) { s->set_gained(0, 1); });
  ExpectRefused([](v1::Section* s) {
    s->clear_lost();
    s->set_gained(2, 1);
    s->add_gained_steps(1);  // all fits but the losses that nobody counts
  });
}

TEST(DecodeSectionTest, RefusesAHugeCountAtOnce) {
  ExpectRefused([](v1::Section* s) { s->set_gained(0, kMaxId); });
  ExpectRefused([](v1::Section* s) { s->set_lost(2, kMaxId); });
  ExpectRefused([](v1::Section* s) { s->set_gained(1, uint32_t{1} << 31); });
}

TEST(DecodeSectionTest, RefusesArrivalsBeyond64Bits) {
  ExpectRefused([](v1::Section* s) { s->set_gained_steps(0, uint64_t{1} << 63); });
  ExpectRefused(
      [](v1::Section* s) { s->set_gained_steps(1, std::numeric_limits<uint64_t>::max()); });
  ExpectRefused([](v1::Section* s) { s->set_lost_steps(0, std::numeric_limits<uint64_t>::max()); });
  // 1000 + 2^63 - 1 is too much.
  ExpectRefused([](v1::Section* s) { s->set_gained_steps(0, static_cast<uint64_t>(kMax64)); });
  ExpectRefused([](v1::Section* s) { s->set_lost_steps(1, static_cast<uint64_t>(kMax64)); });
  ExpectRefused([](v1::Section* s) { s->set_base_seconds(kMax64); });
}

TEST(DecodeSectionTest, LossesOfNothingAreNone) {
  v1::Section section = Encode(DeltaOf({{1, {5}}}, {}));
  section.add_lost(0);
  const auto state = DecodeState(section.SerializeAsString());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(*state, BlockOf({{1, {5}}}));
}

// The aggregator writes what agents sent, each for itself in order, as one section again. If it
// could not read that, one agent would spoil the store.
TEST(DecodeSectionTest, WhatIsAcceptedCanBeWrittenAgainTogether) {
  v1::Section first = Encode(DeltaOf({{1, {0}}}, {}));
  v1::Section second = first;
  first.set_base_seconds(kMin64);
  second.set_base_seconds(kMax64);
  const auto state = DecodeState(first.SerializeAsString());
  const auto delta = Decode(second);
  if (!state.ok() || !delta.ok()) return;  // refused: as good
  const auto both = ApplyDelta(*state, delta->delta);
  ASSERT_TRUE(both.ok());
  const auto again = DecodeState(EncodeSection(Queue::kDeferred, Axis::kRecipientDomain, *both));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *both);
}

// Other programs may write the same message in other bytes.
TEST(DecodeSectionTest, TakesAllBytesOfTheMessage) {
  const std::string good = EncodedBytes(GoodDelta());
  const std::string queue_and_axis = good.substr(0, 4);
  const std::string columns = good.substr(4);
  const std::vector<std::string> others = {
      columns + queue_and_axis,
      queue_and_axis + queue_and_axis + columns,
      "\x08\x01" + good,     // the last one counts
      good + "\x7a\x03xyz",  // a field of a later version
      good.substr(0, 14) + "\x28\x01\x28" + std::string(1, '\0') + "\x28\x01" +
          good.substr(19),  // `lost`, not packed
      good.substr(0, 14) + "\x2a\x01\x01\x2a\x02" + std::string(1, '\0') + "\x01" +
          good.substr(19),  // in two parts
  };
  for (const std::string& bytes : others) {
    const auto section = DecodeSection(bytes);
    ASSERT_TRUE(section.ok()) << section.status();
    EXPECT_FALSE(section->plain);
    EXPECT_EQ(EncodeSection(section->queue, section->axis, section->delta), good);
  }
}

TEST(DecodeSectionTest, TakesNumbersThatAreLongerThanTheyNeedBe) {
  const std::string bytes(
      "\x08\x85\x80\x00\x10\x01\x1a\x03\x84\x80\x00\x22\x01\x01\x3a\x0a"
      "\x87\x80\x80\x80\x80\x80\x80\x80\x80\x00",
      26);
  const auto section = DecodeSection(bytes);
  ASSERT_TRUE(section.ok()) << section.status();
  EXPECT_EQ(section->delta.gained, BlockOf({{4, {7}}}));
}

// Such bytes are no message to protobuf, and would be none to others who read the store.
TEST(DecodeSectionTest, RefusesTagsAndLengthsThatAreLongerThanProtobufTakes) {
  const std::string good = EncodedBytes(GoodDelta());
  const std::string zero(1, '\0');
  ASSERT_EQ(good.substr(4, 2), "\x1a\x03");
  for (const int bytes : {4, 5, 6, 9, 10, 11}) {
    const std::string more = std::string(static_cast<size_t>(bytes - 2), '\x80') + zero;
    for (const std::string& section :
         {"\x88" + more + good.substr(1), good.substr(0, 5) + "\x83" + more + good.substr(6)}) {
      EXPECT_EQ(DecodeSection(section).ok(), v1::Section().ParseFromString(section)) << bytes;
      EXPECT_EQ(DecodeSection(section).ok(), bytes <= 5) << bytes;
    }
  }
}

TEST(DecodeSectionTest, RefusesBytesThatEndTooEarly) {
  const std::string good = EncodedBytes(DeltaOf({{4, {1000, 1'000'000}}}, {{300, {1'000'000}}}));
  for (size_t size = 0; size < good.size(); ++size) {
    if (size == 4) continue;  // a section without names
    // From memory of its own, so that a sanitizer sees what is read behind it.
    const std::vector<char> bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(DecodeSection({bytes.data(), size}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << size;
  }
  for (const size_t column : {8, 12}) {  // the last byte of a column goes on
    std::string bytes = good;
    bytes[column] = '\x80';
    EXPECT_FALSE(DecodeSection(bytes).ok()) << column;
  }
}

// Damaged sections are refused or hold what Block promises; nothing crashes.
TEST(DecodeSectionTest, SurvivesRandomDamage) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = GoodSection().SerializeAsString();
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      bytes[random() % bytes.size()] =
          static_cast<char>(random() % 2 == 0 ? random() : random() % 6);
    }
    const auto section = DecodeSection(bytes);
    v1::Section message;
    if (!section.ok()) {
      ASSERT_EQ(section.status().code(), absl::StatusCode::kInvalidArgument);
      continue;
    }
    ASSERT_TRUE(message.ParseFromString(bytes)) << "protobuf would refuse it";
    ++accepted;
    const auto& [queue, axis, delta, plain] = *section;
    ExpectValid(delta.gained);
    ExpectValid(delta.lost);
    ExpectRoundTrip(delta);
    // What protobuf reads of it is the same.
    message.DiscardUnknownFields();
    const auto again = Decode(message);
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_EQ(again->queue, queue);
    ASSERT_EQ(again->axis, axis);
    ASSERT_EQ(again->delta.gained, delta.gained);
    ASSERT_EQ(again->delta.lost, delta.lost);
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace fleetqshape
