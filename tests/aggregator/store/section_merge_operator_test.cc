#include "aggregator/store/section_merge_operator.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/store/section_value.h"
#include "common/codec/section_codec.h"
#include "tests/aggregator/store/raw_store.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"
#include "tests/support/sections.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

constexpr Queue kQueue = Queue::kDeferred;
constexpr Axis kAxis = Axis::kRecipientDomain;

Block BlockOf(const std::map<uint32_t, std::multiset<int64_t>>& arrivals) {
  BlockBuilder builder;
  for (const auto& [name_id, seconds] : arrivals) {
    builder.StartName(name_id);
    for (int64_t arrival : seconds) builder.AddArrival(arrival);
  }
  return builder.Finish();
}

std::string State(const Block& block) { return EncodeSection(kQueue, kAxis, block); }

std::string Delta(const Block& gained, const Block& lost) {
  return EncodeSection(kQueue, kAxis, BlockDelta{gained, lost});
}

// As RocksDB combines operands that lie together.
bool MergePartially(const std::vector<std::string>& operands, std::string* merged) {
  const SectionMergeOperator merge;
  return merge.PartialMergeMulti(
      "key", std::deque<rocksdb::Slice>(operands.begin(), operands.end()), merged, nullptr);
}

// What a stored value decodes to; nothing if it does not decode as a state.
std::optional<Block> Decoded(const std::string& value) {
  auto block = test::DecodeState(value);
  if (!block.ok()) return std::nullopt;
  return *std::move(block);
}

class SectionMergeOperatorTest : public ::testing::Test {
 protected:
  void Merge(const std::string& operand, const std::string& key = "key") {
    const auto status =
        store_->db().Merge(rocksdb::WriteOptions(), store_->family("shapes"), key, operand);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void Put(const std::string& value, const std::string& key = "key") {
    store_->Put("shapes", key, value);
  }
  rocksdb::Status Get(std::string* value, const std::string& key = "key") {
    return store_->db().Get(rocksdb::ReadOptions(), store_->family("shapes"), key, value);
  }
  // The block that is read back; a failure of the test if it can't be.
  Block Read(const std::string& key = "key") {
    std::string value;
    const auto status = Get(&value, key);
    EXPECT_TRUE(status.ok()) << status.ToString();
    const auto block = Decoded(value);
    EXPECT_TRUE(block) << "what was read does not decode";
    return block.value_or(Block());
  }
  void Flush() {
    const auto status = store_->db().Flush(rocksdb::FlushOptions(), store_->family("shapes"));
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  void Compact() {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    const auto status =
        store_->db().CompactRange(options, store_->family("shapes"), nullptr, nullptr);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  void Reopen() {
    store_.reset();
    store_ = std::make_unique<test::RawStore>(directory_.path());
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<test::RawStore> store_ = std::make_unique<test::RawStore>(directory_.path());
};

TEST_F(SectionMergeOperatorTest, AMissingBaseIsTheEmptyState) {
  Merge(Delta(BlockOf({{3, {10, 10, 20}}}), Block()));
  EXPECT_EQ(Read(), BlockOf({{3, {10, 10, 20}}}));
}

TEST_F(SectionMergeOperatorTest, GainsAndLossesApplyToTheBase) {
  Put(State(BlockOf({{1, {10, 20, 20}}, {5, {7}}})));
  Merge(Delta(BlockOf({{2, {30}}}), BlockOf({{1, {20}}, {5, {7}}})));
  EXPECT_EQ(Read(), BlockOf({{1, {10, 20}}, {2, {30}}}));
}

TEST_F(SectionMergeOperatorTest, ALaterOperandMayTakeWhatAnEarlierOneGave) {
  Merge(Delta(BlockOf({{1, {10}}}), Block()));
  Merge(Delta(BlockOf({{1, {11}}}), BlockOf({{1, {10}}})));
  Merge(Delta(BlockOf({{1, {12}}}), BlockOf({{1, {11}}})));
  EXPECT_EQ(Read(), BlockOf({{1, {12}}}));
}

TEST_F(SectionMergeOperatorTest, WhatSumsToNothingIsAnEmptyStateToTheReader) {
  Merge(Delta(BlockOf({{1, {10}}}), Block()));
  Merge(Delta(Block(), BlockOf({{1, {10}}})));
  EXPECT_EQ(Read(), Block());
  Flush();
  Compact();
  Reopen();
  EXPECT_EQ(Read(), Block());
  Merge(Delta(BlockOf({{2, {5}}}), Block()));
  EXPECT_EQ(Read(), BlockOf({{2, {5}}}));
}

TEST_F(SectionMergeOperatorTest, OperandsAddUpWhereverTheyLie) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(6); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    const std::string key = "key" + std::to_string(seed);
    std::map<uint32_t, std::multiset<int64_t>> naive;
    const auto without_empty = [](std::map<uint32_t, std::multiset<int64_t>> arrivals) {
      std::erase_if(arrivals, [](const auto& entry) { return entry.second.empty(); });
      return arrivals;
    };
    for (int step = 0; step < 60; ++step) {
      std::map<uint32_t, std::multiset<int64_t>> gained;
      std::map<uint32_t, std::multiset<int64_t>> lost;
      for (int64_t left = random.Between(1, 5); left > 0; --left) {
        const auto name_id = static_cast<uint32_t>(random.Between(0, 6));
        const int64_t arrival = random.Between(-3, 3);
        if (random.OneIn(2)) {
          gained[name_id].insert(arrival);
          naive[name_id].insert(arrival);
        } else if (const auto found = naive[name_id].find(arrival); found != naive[name_id].end()) {
          lost[name_id].insert(arrival);
          naive[name_id].erase(found);
        }
      }
      Merge(Delta(BlockOf(without_empty(gained)), BlockOf(without_empty(lost))), key);
      const int64_t what = random.Between(1, 20);
      if (what == 1) Put(State(BlockOf(without_empty(naive))), key);
      if (what == 2) Flush();
      if (what == 3) Compact();
      if (what == 4) Reopen();
      if (what <= 8) {
        ASSERT_EQ(Read(key), BlockOf(without_empty(naive)));
      }
    }
    EXPECT_EQ(Read(key), BlockOf(without_empty(naive)));
  }
}

TEST_F(SectionMergeOperatorTest, APartialMergeDoesWhatItsOperandsDoOneAfterTheOther) {
  const std::string first = Delta(BlockOf({{1, {10, 20}}, {4, {1}}}), BlockOf({{2, {5}}}));
  const std::string second = Delta(BlockOf({{2, {5}}}), BlockOf({{1, {20}}, {3, {9}}}));
  const std::string third = Delta(BlockOf({{3, {9}}}), BlockOf({{1, {10}}, {4, {1}}}));
  const std::string fourth = Delta(BlockOf({{5, {-7}}}), Block());
  std::string merged;
  ASSERT_TRUE(MergePartially({first, second}, &merged));
  EXPECT_EQ(merged, Delta(BlockOf({{1, {10}}, {4, {1}}}), BlockOf({{3, {9}}})));
  ASSERT_TRUE(MergePartially({first, second, fourth}, &merged));
  EXPECT_EQ(merged, Delta(BlockOf({{1, {10}}, {4, {1}}, {5, {-7}}}), BlockOf({{3, {9}}})));
  ASSERT_TRUE(MergePartially({first, second, third, fourth}, &merged));
  EXPECT_EQ(merged, Delta(BlockOf({{5, {-7}}}), Block()));
}

// Deltas of names that only gained, only lost, or cancelled out keep their columns in step.
TEST_F(SectionMergeOperatorTest, APartialMergeThatCancelsOutLeavesAnOperandThatCanBeMerged) {
  std::string merged;
  ASSERT_TRUE(MergePartially(
      {Delta(BlockOf({{1, {10}}}), Block()), Delta(Block(), BlockOf({{1, {10}}}))}, &merged));
  Put(State(BlockOf({{7, {70}}})));
  Merge(merged);
  EXPECT_EQ(Read(), BlockOf({{7, {70}}}));
}

TEST_F(SectionMergeOperatorTest, APartialMergeOfDamageKeepsAllOperands) {
  const std::string good = Delta(BlockOf({{1, {10}}}), Block());
  const std::string other_axis = EncodeSection(kQueue, Axis::kSenderDomain, BlockOf({{1, {10}}}));
  std::string merged;
  EXPECT_FALSE(MergePartially({good, "\xff\xff damage"}, &merged));
  EXPECT_FALSE(MergePartially({"", good}, &merged));
  EXPECT_FALSE(MergePartially({good, good, ""}, &merged));
  EXPECT_FALSE(MergePartially({good, good, other_axis}, &merged));
  EXPECT_EQ(merged, "");
}

TEST_F(SectionMergeOperatorTest, DamageStaysDamageOfItsKeyAndNeverReadsAsEmpty) {
  const std::string good = Delta(BlockOf({{1, {10}}}), Block());
  v1::Section unknown_queue = test::SectionOf(State(BlockOf({{1, {10}}})));
  unknown_queue.set_queue(static_cast<v1::Queue>(9));
  v1::Section short_column = test::SectionOf(State(BlockOf({{1, {10}}, {2, {20}}})));
  short_column.mutable_gained_steps()->RemoveLast();
  struct Case {
    const char* what;
    std::string base;
    std::vector<std::string> operands;
  };
  const std::vector<Case> cases = {
      {"a base that does not parse", "\xff\xff\xff", {good}},
      {"an empty base", "", {good}},
      {"a base that loses something", Delta(Block(), BlockOf({{1, {10}}})), {good}},
      {"a base of an unknown queue", unknown_queue.SerializeAsString(), {good}},
      {"an operand that does not parse", State(Block()), {good, "\xff\xff\xff", good}},
      {"an empty operand", State(Block()), {good, ""}},
      {"an operand of an unknown queue", State(Block()), {unknown_queue.SerializeAsString()}},
      {"an operand with a column cut short", State(Block()), {short_column.SerializeAsString()}},
      {"a loss of what is not there",
       State(BlockOf({{1, {10}}})),
       {Delta(Block(), BlockOf({{1, {11}}}))}},
      {"one loss too many",
       State(BlockOf({{1, {10}}})),
       {Delta(Block(), BlockOf({{1, {10}}})), Delta(Block(), BlockOf({{1, {10}}}))}},
      {"a loss of a name that is not there",
       State(BlockOf({{1, {10}}})),
       {Delta(Block(), BlockOf({{2, {10}}}))}},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    Put(one.base, one.what);
    for (const std::string& operand : one.operands) Merge(operand, one.what);
    std::string value;
    const auto status = Get(&value, one.what);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_TRUE(IsDamagedSectionValue(value));
    EXPECT_FALSE(Decoded(value));
  }
  // Each of them by itself, and no other key with it, whatever is merged when.
  Put(State(BlockOf({{1, {10}}})), "sound");
  Merge(good, "sound");
  Flush();
  Compact();
  for (const Case& one : cases) Merge(good, one.what);
  Flush();
  Compact();
  Reopen();
  EXPECT_EQ(Read("sound"), BlockOf({{1, {10, 10}}}));
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    std::string value;
    EXPECT_TRUE(Get(&value, one.what).ok());
    EXPECT_TRUE(IsDamagedSectionValue(value));
    Put(State(BlockOf({{2, {20}}})), one.what);  // a snapshot
    Merge(good, one.what);
    EXPECT_EQ(Read(one.what), BlockOf({{1, {10}}, {2, {20}}}));
  }
}

TEST_F(SectionMergeOperatorTest, ADeltaOfAnotherQueueOrAxisThanItsKeyIsDamage) {
  const Block block = BlockOf({{1, {10}}});
  const std::string key = test::ShapeKey(7, kQueue, kAxis);
  const std::string good = EncodeSection(kQueue, kAxis, block);
  const std::string queue = EncodeSection(Queue::kHold, kAxis, block);
  const std::string axis = EncodeSection(kQueue, Axis::kSenderDomain, block);
  for (const auto& operands : std::vector<std::vector<std::string>>{
           {queue}, {axis}, {good, queue}, {axis, good}, {queue, good, queue}}) {
    Put(good, key);
    for (const std::string& operand : operands) Merge(operand, key);
    std::string value;
    EXPECT_TRUE(Get(&value, key).ok());
    EXPECT_TRUE(IsDamagedSectionValue(value));
  }
  Put(queue, key);
  Merge(good, key);
  std::string value;
  EXPECT_TRUE(Get(&value, key).ok());
  EXPECT_TRUE(IsDamagedSectionValue(value)) << "a base of another queue";
}

// What a fleet does all day: queues fill and empty again.
TEST_F(SectionMergeOperatorTest, CompactionDropsWhatSumsToNothingAndNothingElse) {
  const std::string emptied = test::ShapeKey(1, kQueue, kAxis);
  const std::string kept = test::ShapeKey(2, kQueue, kAxis);
  const std::string damaged = test::ShapeKey(3, kQueue, kAxis);
  const std::string merged = test::ShapeKey(4, kQueue, kAxis);
  const std::string misplaced = test::ShapeKey(5, Queue::kHold, kAxis);
  Merge(Delta(BlockOf({{1, {10}}}), Block()), emptied);
  Merge(Delta(Block(), BlockOf({{1, {10}}})), emptied);
  Merge(Delta(BlockOf({{1, {10}}}), Block()), kept);
  Merge(Delta(Block(), BlockOf({{1, {10}}})), damaged);
  Put(State(Block()), merged);
  Merge(Delta(BlockOf({{1, {10}}}), Block()), merged);
  Put(State(Block()), misplaced);  // empty, but it is not known of what
  for (int i = 0; i < 2; ++i) {    // the first makes the values that the second looks at
    Flush();
    Compact();
  }
  auto all = store_->All("shapes");
  EXPECT_FALSE(all.contains(emptied));
  EXPECT_TRUE(all.contains(misplaced));
  EXPECT_TRUE(IsDamagedSectionValue(all[damaged]));
  EXPECT_EQ(Decoded(all[kept]), BlockOf({{1, {10}}}));
  EXPECT_EQ(Decoded(all[merged]), BlockOf({{1, {10}}}));
  Merge(Delta(BlockOf({{2, {5}}}), Block()), emptied);
  EXPECT_EQ(Read(emptied), BlockOf({{2, {5}}}));
}

TEST_F(SectionMergeOperatorTest, ALossWithoutABaseIsDamage) {
  Merge(Delta(Block(), BlockOf({{1, {10}}})));
  std::string value;
  EXPECT_TRUE(Get(&value).ok());
  EXPECT_TRUE(IsDamagedSectionValue(value));
}

// Whatever two operands hold that decode, their sum has to decode as well.
TEST_F(SectionMergeOperatorTest, WhatWasMergedCanBeReadHoweverFarApartTheArrivalsAre) {
  const std::vector<int64_t> extremes = {std::numeric_limits<int64_t>::min(), -1, 0,
                                         int64_t{1} << 53, std::numeric_limits<int64_t>::max()};
  for (int64_t first : extremes) {
    for (int64_t second : extremes) {
      SCOPED_TRACE(std::to_string(first) + " and " + std::to_string(second));
      std::vector<std::string> operands;
      std::map<uint32_t, std::multiset<int64_t>> sum;
      uint32_t name_id = 0;
      for (int64_t arrival : {first, second}) {
        const std::string operand = Delta(BlockOf({{name_id, {arrival}}}), Block());
        if (DecodeSection(operand).ok()) {
          operands.push_back(operand);
          sum[name_id].insert(arrival);
        }
        ++name_id;
      }
      if (operands.size() < 2) continue;  // refused before it is stored
      std::string merged;
      ASSERT_TRUE(MergePartially(operands, &merged));
      const auto block = Decoded(merged);
      EXPECT_TRUE(block) << "it does not decode";
      EXPECT_TRUE(!block || *block == BlockOf(sum));
    }
  }
}

}  // namespace
}  // namespace fleetqshape
