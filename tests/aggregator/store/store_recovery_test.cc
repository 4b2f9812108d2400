// What a store does when the disk is full or fails, and what its log keeps.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/store/rocksdb_store.h"
#include "tests/aggregator/store/faulty_disk.h"
#include "tests/aggregator/store/model_relay.h"
#include "tests/support/random_source.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using test::FaultyDisk;
using test::LoadAll;
using test::ModelRelay;
using test::RandomSource;

size_t OpenDescriptors() {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

class StoreRecoveryTest : public ::testing::Test {
 protected:
  absl::Status TryOpen() {
    store_.reset();
    options_.env = disk_.env();
    auto opened = OpenRocksDbStore(directory_.path("store"), options_);
    if (opened.ok()) store_ = *std::move(opened);
    return opened.status();
  }
  void Open() {
    const absl::Status opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  void SetUp() override {
    Open();
    for (RelayId id = 1; id <= 4; ++id) relays_.emplace_back(id);
  }

  // The next report of each relay, in one batch. Forgets the batch in models if it fails for good.
  absl::Status ApplyOne(RandomSource& random) {
    before_ = relays_;
    std::vector<RelayWrite> writes;
    for (ModelRelay& relay : relays_) writes.push_back(relay.Delta(random));
    const absl::Status applied = store_->Apply(writes);
    if (applied.ok()) before_ = relays_;
    return applied;
  }
  // The store has all that it said it had, and the batch that failed whole or not at all.
  void ExpectNothingLost() {
    auto all = LoadAll(*store_);
    bool with_failed = true;
    bool without_failed = true;
    for (size_t i = 0; i < relays_.size(); ++i) {
      const auto& [loaded, problem] = all[relays_[i].id()];
      EXPECT_TRUE(problem.ok()) << problem;
      if (!relays_[i].Is(loaded)) with_failed = false;
      const bool none = before_[i].sequence() == 0 && loaded.record.host().empty();
      if (!none && !before_[i].Is(loaded)) without_failed = false;
    }
    EXPECT_TRUE(with_failed || without_failed);
    if (!with_failed) relays_ = before_;
    before_ = relays_;
  }
  std::vector<std::filesystem::path> FilesOfDatabase(const std::string& suffix) const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path("store/db"))) {
      if (entry.path().string().ends_with(suffix)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  uint64_t BytesOf(const std::string& suffix) const {
    uint64_t bytes = 0;
    for (const auto& file : FilesOfDatabase(suffix)) bytes += std::filesystem::file_size(file);
    return bytes;
  }
  // Logs that something is in. A new one is begun with the next report.
  std::vector<std::filesystem::path> Logs() const {
    auto logs = FilesOfDatabase(".log");
    std::erase_if(logs, [](const auto& log) { return std::filesystem::file_size(log) == 0; });
    return logs;
  }
  // The log that the last reports are in, of a store that is closed.
  std::filesystem::path LastLog() const { return FilesOfDatabase(".log").back(); }

  test::TemporaryDirectory directory_;
  FaultyDisk disk_;
  RocksDbStoreOptions options_;
  std::unique_ptr<Store> store_;
  std::vector<ModelRelay> relays_;
  std::vector<ModelRelay> before_;  // without the batch that failed
};

TEST_F(StoreRecoveryTest, AFullDiskFailsTheStoreUntilItIsRecovered) {
  RandomSource random(1);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ApplyOne(random).ok());
  disk_.SetRoom(100);
  const absl::Status full = ApplyOne(random);
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  const uint64_t operations = disk_.operations();
  EXPECT_EQ(store_->Apply({}), full) << "and the disk is not touched";
  EXPECT_EQ(store_->Apply({RelayWrite()}), full);
  EXPECT_FALSE(store_
                   ->Load([](RelayId, const v1::StoredRelay&) { return true; },
                          [](LoadedRelay, absl::Status) { ADD_FAILURE() << "not known"; })
                   .ok());
  EXPECT_EQ(disk_.operations(), operations);

  disk_.SetRoom(FaultyDisk::kUnlimited);
  EXPECT_EQ(store_->Apply({}), full) << "room alone is not enough: the log has half a record";
  ASSERT_TRUE(store_->Recover().ok());
  ExpectNothingLost();
  EXPECT_TRUE(store_->Recover().ok()) << "of a store that is well";
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ApplyOne(random).ok());
  Open();
  ExpectNothingLost();
}

TEST_F(StoreRecoveryTest, RecoverFailsOnAFullDiskAndLeavesNothingBehind) {
  RandomSource random(1);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(ApplyOne(random).ok());
  disk_.SetRoom(10);
  ASSERT_FALSE(ApplyOne(random).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(store_->Recover()));
  const size_t descriptors = OpenDescriptors();
  const size_t files = FilesOfDatabase("").size();
  for (int64_t room = 0; room < 4000; room += 100) {
    disk_.SetRoom(room);
    const absl::Status still_full = store_->Recover();
    EXPECT_TRUE(absl::IsResourceExhausted(still_full)) << still_full;
    EXPECT_EQ(store_->Apply({RelayWrite()}), still_full);
    EXPECT_EQ(OpenDescriptors(), descriptors);
    EXPECT_EQ(FilesOfDatabase("").size(), files) << "files of failed attempts pile up";
  }
  disk_.SetRoom(FaultyDisk::kUnlimited);
  ASSERT_TRUE(store_->Recover().ok());
  ExpectNothingLost();
  ASSERT_TRUE(ApplyOne(random).ok());
}

// A write fails at any byte; so does each attempt to recover.
TEST_F(StoreRecoveryTest, WhereverTheDiskGetsFullNothingAcknowledgedIsLost) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(20); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    disk_.SetRoom(random.Between(0, 20000));
    while (ApplyOne(random).ok()) {
    }
    for (int64_t room = random.Between(0, 500);; room += random.Between(0, 2000)) {
      disk_.SetRoom(room);
      if (store_->Recover().ok()) break;
    }
    ExpectNothingLost();
    if (random.OneIn(4)) {
      disk_.SetRoom(FaultyDisk::kUnlimited);
      Open();
      ExpectNothingLost();
    }
  }
}

TEST_F(StoreRecoveryTest, AfterAFailedSyncTheBatchMayBeThereAndAllBeforeItIs) {
  RandomSource random(7);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(ApplyOne(random).ok());
    disk_.FailSyncs(true);
    const absl::Status failed = ApplyOne(random);
    EXPECT_TRUE(absl::IsUnavailable(failed)) << failed;
    EXPECT_TRUE(absl::IsUnavailable(store_->Recover()));
    EXPECT_TRUE(absl::IsUnavailable(store_->Apply({})));
    disk_.FailSyncs(false);
    EXPECT_TRUE(absl::IsUnavailable(store_->Apply({})));
    ASSERT_TRUE(store_->Recover().ok());
    ExpectNothingLost();
  }
}

// RocksDB writes table files by itself. When that fails nothing was lost yet, but no memory is ever
// freed again.
TEST_F(StoreRecoveryTest, ATableFileThatCannotBeWrittenFailsTheStore) {
  options_.write_buffer_bytes = size_t{64} << 10;
  Open();
  RandomSource random(3);
  disk_.SetRoom(0, ".sst");
  absl::Status applied;
  while (applied.ok() && Logs().size() < 2) applied = ApplyOne(random);
  // It is noticed even if nothing is written: RocksDB goes on writing after some such errors.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (store_->Apply({}).ok() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  applied = store_->Apply({});
  EXPECT_TRUE(absl::IsResourceExhausted(applied)) << applied;
  disk_.SetRoom(FaultyDisk::kUnlimited);
  EXPECT_TRUE(absl::IsResourceExhausted(store_->Apply({}))) << "nothing recovers by itself";
  ASSERT_TRUE(store_->Recover().ok());
  ExpectNothingLost();
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(ApplyOne(random).ok());
  Open();
  ExpectNothingLost();
}

TEST_F(StoreRecoveryTest, TheLogIsBounded) {
  options_.write_buffer_bytes = size_t{256} << 10;
  options_.max_log_bytes = size_t{128} << 10;
  Open();
  RandomSource random(5);
  uint64_t most = 0;
  uint64_t tables = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(ApplyOne(random).ok());
    if (i % 50 == 0) most = std::max(most, BytesOf(".log"));
  }
  tables = BytesOf(".sst");
  EXPECT_GT(tables, 0U);
  // One log is begun when the limit is passed; the old one goes when its entries are in tables.
  EXPECT_LT(most, uint64_t{1} << 20);
}

// A machine that crashed: of what was not synced anything may be there.
TEST_F(StoreRecoveryTest, WhateverStandsBehindTheLastWholeRecordNothingBeforeItIsLost) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(24); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    for (int64_t left = random.Between(0, 30); left > 0; --left) {
      ASSERT_TRUE(ApplyOne(random).ok());
    }
    const std::filesystem::path log = LastLog();
    const uint64_t whole = std::filesystem::file_size(log);
    ASSERT_TRUE(ApplyOne(random).ok());
    before_ = relays_;
    if (seed % 4 == 3) {  // the record is cut off, so that its batch is not there
      store_.reset();
      before_.clear();
    }
    store_.reset();
    std::ofstream end(log, std::ios::binary | std::ios::app);
    std::string tail(static_cast<size_t>(random.Between(1, 70000)), '\0');
    switch (seed % 4) {
      case 0:  // zeros
        end << tail;
        break;
      case 1:  // anything
        for (char& byte : tail) byte = static_cast<char>(random.Bits());
        end << tail;
        break;
      case 2:  // a part of a record: its own beginning
        end << std::string("\x12\x34\x56\x78\x00\x20\x01", 7) << "begun";
        break;
      default:
        std::filesystem::resize_file(
            log,
            whole + static_cast<uint64_t>(random.Between(
                        1, static_cast<int64_t>(std::filesystem::file_size(log) - whole) - 1)));
        break;
    }
    end.close();
    Open();
    auto all = LoadAll(*store_);
    for (ModelRelay& relay : relays_) {
      const auto& [loaded, problem] = all[relay.id()];
      EXPECT_TRUE(problem.ok()) << problem;
      EXPECT_TRUE(relay.Was(loaded));
      if (seed % 4 != 3) {
        EXPECT_TRUE(relay.Is(loaded));
      } else {
        EXPECT_EQ(loaded.record.sequence() + 1, relay.sequence());
      }
    }
    // What comes next is built on what there is.
    for (ModelRelay& relay : relays_) {
      ASSERT_TRUE(store_->Apply({relay.Snapshot(random)}).ok());
    }
    before_ = relays_;
    ExpectNothingLost();
  }
}

// Damage in the middle: what came before is there, and nothing from behind it.
TEST_F(StoreRecoveryTest, NothingFromBehindADamagedPlaceInTheLogIsTaken) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(30); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    for (ModelRelay& relay : relays_) ASSERT_TRUE(store_->Apply({relay.Snapshot(random)}).ok());
    Open();  // these are in table files now
    const std::filesystem::path log = LastLog();
    std::vector<uint64_t> ends = {std::filesystem::file_size(log)};
    const uint64_t first = relays_[0].sequence();
    for (int i = 0; i < 60; ++i) {
      ASSERT_TRUE(ApplyOne(random).ok());
      ends.push_back(std::filesystem::file_size(log));
    }
    ASSERT_EQ(LastLog(), log);
    store_.reset();
    // Damages one record, not the last; zeros may take the whole of it.
    const auto record = static_cast<size_t>(random.Between(0, 50));
    std::fstream file(log, std::ios::binary | std::ios::in | std::ios::out);
    if (seed % 2 == 0) {
      const auto place = random.Between(static_cast<int64_t>(ends[record]),
                                        static_cast<int64_t>(ends[record + 1]) - 1);
      file.seekg(place);
      const char byte = static_cast<char>(file.get());
      file.seekp(place);
      file.put(static_cast<char>(byte ^ (1 << random.Between(0, 7))));
    } else {
      file.seekp(static_cast<int64_t>(ends[record]));
      file << std::string(ends[record + 1] - ends[record], '\0');
    }
    file.close();
    Open();
    auto all = LoadAll(*store_);
    for (const ModelRelay& relay : relays_) {
      const auto& [loaded, problem] = all[relay.id()];
      EXPECT_TRUE(problem.ok()) << problem;
      EXPECT_TRUE(relay.Was(loaded));
      EXPECT_EQ(loaded.record.sequence(), first + record);
    }
  }
}

// A log that ends too early, with another one after it.
TEST_F(StoreRecoveryTest, NothingFromALogBehindOneThatWasCutShortIsTaken) {
  options_.write_buffer_bytes = size_t{64} << 10;
  Open();
  RandomSource random(9);
  disk_.HoldWork();  // so that no log is done with
  while (Logs().size() < 2) ASSERT_TRUE(ApplyOne(random).ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ApplyOne(random).ok());
  store_.reset();
  disk_.LetWork();
  const auto logs = Logs();
  ASSERT_GE(logs.size(), 2U);
  std::filesystem::resize_file(logs.front(), std::filesystem::file_size(logs.front()) / 2);
  Open();
  auto all = LoadAll(*store_);
  for (const ModelRelay& relay : relays_) {
    const auto& [loaded, problem] = all[relay.id()];
    EXPECT_TRUE(problem.ok()) << problem;
    EXPECT_TRUE(relay.Was(loaded));
    EXPECT_LT(loaded.record.sequence(), relay.sequence());
  }
}

TEST_F(StoreRecoveryTest, AForgottenRelayIsGoneWithAllThatWasStored) {
  RandomSource random(11);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ApplyOne(random).ok());
  RelayWrite end;
  end.relay = 2;
  end.forget = true;
  ASSERT_TRUE(store_->Apply({end}).ok());
  for (int i = 0; i < 2; ++i) {
    auto all = LoadAll(*store_);
    EXPECT_FALSE(all.contains(2));
    for (const RelayId id : {1, 3, 4}) {
      EXPECT_TRUE(all[id].problem.ok());
      EXPECT_TRUE(relays_[id - 1].Is(all[id].relay)) << id;
    }
    Open();
  }
  // The number may be another relay's: nothing of the old one is left.
  RelayWrite other;
  other.relay = 2;
  other.record.set_host("other");
  other.record.set_epoch(1);
  ASSERT_TRUE(store_->Apply({other}).ok());
  const auto all = LoadAll(*store_);
  EXPECT_TRUE(all.at(2).relay.names.empty());
  EXPECT_TRUE(all.at(2).relay.sections.empty());
}

// A new store appears whole, or not at all: the next start finds nothing half made.
TEST_F(StoreRecoveryTest, AStoreThatCouldNotBeMadeIsMadeLater) {
  RandomSource random(13);
  bool made = false;
  for (int64_t room = 0; !made; room += 2011) {
    SCOPED_TRACE(room);
    const std::string path = directory_.path("new" + std::to_string(room));
    disk_.SetRoom(room);
    auto opened = OpenRocksDbStore(path, options_);
    made = opened.ok();
    EXPECT_TRUE(made || absl::IsResourceExhausted(opened.status())) << opened.status();
    disk_.SetRoom(FaultyDisk::kUnlimited);
    opened = absl::UnknownError("");
    opened = OpenRocksDbStore(path, options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_TRUE((*opened)->Apply({relays_[0].Snapshot(random)}).ok());
    EXPECT_FALSE(std::filesystem::exists(path + "/db.new"));
    EXPECT_FALSE(std::filesystem::exists(path + "/db.damaged"));
  }
}

}  // namespace
}  // namespace fleetqshape
