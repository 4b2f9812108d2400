// What becomes of a store whose files were damaged: it opens, serves nothing but what was once
// reported, says what it lost, and is whole again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/store/relay_check.h"
#include "aggregator/store/rocksdb_store.h"
#include "aggregator/store/store_check.h"
#include "tests/aggregator/store/faulty_disk.h"
#include "tests/aggregator/store/model_relay.h"
#include "tests/aggregator/store/raw_store.h"
#include "tests/support/random_source.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using test::FaultyDisk;
using test::LoadAll;
using test::ModelRelay;
using test::RandomSource;

namespace fs = std::filesystem;

constexpr RelayId kRelays = 60;

class StoreDamageTest : public ::testing::Test {
 protected:
  void Open() {
    store_.reset();
    RocksDbStoreOptions options;
    options.env = disk_.env();
    auto opened = OpenRocksDbStore(path_, options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  // A store with several table files, and the last reports in its log. Closed.
  void Fill(RandomSource& random) {
    store_.reset();
    fs::remove_all(path_);
    relays_.clear();
    for (RelayId id = 1; id <= kRelays; ++id) relays_.emplace_back(id);
    for (int round = 0; round < 3; ++round) {
      Open();
      for (ModelRelay& relay : relays_) {
        const bool snapshot = round == 0 || random.OneIn(5);
        ASSERT_TRUE(store_->Apply({snapshot ? relay.Snapshot(random) : relay.Delta(random)}).ok());
      }
    }
    store_.reset();
  }

  std::vector<fs::path> Files(const std::string& part) const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path_ + "/db")) {
      if (entry.path().filename().string().find(part) != std::string::npos) {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  static void Flip(const fs::path& path, RandomSource& random) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    const auto place = random.Between(0, static_cast<int64_t>(fs::file_size(path)) - 1);
    file.seekg(place);
    const char byte = static_cast<char>(file.get());
    file.seekp(place);
    file.put(static_cast<char>(byte ^ static_cast<char>(1 << random.Between(0, 7))));
  }
  static void Truncate(const fs::path& path, RandomSource& random) {
    fs::resize_file(path, static_cast<uint64_t>(
                              random.Between(0, static_cast<int64_t>(fs::file_size(path)) - 1)));
  }

  // Whatever the store has of a relay without saying that it is damaged, and with the right digest,
  // was reported once.
  void ExpectOnlyWhatWasReported() {
    auto all = LoadAll(*store_);
    lost_ = 0;
    behind_ = 0;
    for (const ModelRelay& relay : relays_) {
      if (!all.contains(relay.id()) || !all[relay.id()].problem.ok() ||
          !CheckRelay(all[relay.id()].relay).ok()) {
        ++lost_;
        continue;
      }
      EXPECT_TRUE(relay.Was(all[relay.id()].relay)) << relay.host();
      if (!relay.Is(all[relay.id()].relay)) ++behind_;
    }
  }

  // Each relay sends a snapshot: then all is as if nothing had been.
  void ExpectWholeAgain(RandomSource& random) {
    for (int round = 0; round < 2; ++round) {
      for (ModelRelay& relay : relays_) {
        const absl::Status applied =
            store_->Apply({round == 0 ? relay.Snapshot(random) : relay.Delta(random)});
        ASSERT_TRUE(applied.ok()) << applied;
      }
      ExpectOnlyWhatWasReported();
      EXPECT_EQ(lost_ + behind_, 0U);
      Open();
    }
    ExpectOnlyWhatWasReported();
    EXPECT_EQ(lost_ + behind_, 0U);
    EXPECT_FALSE(fs::exists(path_ + "/db.new"));
    EXPECT_FALSE(fs::exists(path_ + "/db.ready"));
    store_.reset();
    const auto check = CheckStore(path_);
    ASSERT_TRUE(check.ok()) << check.status();
    EXPECT_THAT(check->problems, ::testing::IsEmpty());
    EXPECT_EQ(check->relays, relays_.size());
  }

  // Damages a filled store, and goes through what has to hold then.
  void Damage(uint64_t seed, const std::function<void(RandomSource&)>& damage) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    Fill(random);
    ASSERT_FALSE(HasFailure());
    damage(random);
    Open();
    ASSERT_FALSE(HasFatalFailure());
    ExpectOnlyWhatWasReported();
    const size_t lost = lost_;
    ExpectOnlyWhatWasReported();
    EXPECT_GE(lost, lost_) << "a second look finds nothing more";
    Open();
    ExpectOnlyWhatWasReported();
    ExpectWholeAgain(random);
  }

  test::TemporaryDirectory directory_;
  const std::string path_ = directory_.path("store");
  FaultyDisk disk_;
  std::unique_ptr<Store> store_;
  std::vector<ModelRelay> relays_;
  size_t lost_ = 0;    // told as damaged, or not there
  size_t behind_ = 0;  // an older state
};

TEST_F(StoreDamageTest, BytesFlippedInTableFiles) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(16); ++seed) {
    Damage(seed, [&](RandomSource& random) {
      const auto tables = Files(".sst");
      ASSERT_FALSE(tables.empty());
      for (int64_t left = random.Between(1, 4); left > 0; --left) {
        Flip(random.OneOf(tables), random);
      }
    });
  }
}

TEST_F(StoreDamageTest, TableFilesCutShortOrMissing) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(8); ++seed) {
    Damage(seed, [&](RandomSource& random) {
      const fs::path table = random.OneOf(Files(".sst"));
      if (seed % 2 == 0) {
        Truncate(table, random);
      } else {
        fs::remove(table);
      }
    });
    EXPECT_TRUE(fs::exists(path_ + "/db.damaged")) << "for people to look at";
  }
}

TEST_F(StoreDamageTest, ALogThatIsDamagedCutShortOrMissing) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(12); ++seed) {
    Damage(seed, [&](RandomSource& random) {
      const fs::path log = Files(".log").back();
      if (seed % 3 == 0) Flip(log, random);
      if (seed % 3 == 1) Truncate(log, random);
      if (seed % 3 == 2) fs::remove(log);
    });
  }
}

TEST_F(StoreDamageTest, AListOfFilesThatIsDamagedCutShortOrMissing) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(12); ++seed) {
    Damage(seed, [&](RandomSource& random) {
      const fs::path manifest = Files("MANIFEST").back();
      if (seed % 3 == 0) Flip(manifest, random);
      if (seed % 3 == 1) Truncate(manifest, random);
      if (seed % 3 == 2) fs::remove(manifest);
    });
  }
}

TEST_F(StoreDamageTest, CurrentThatIsDamagedEmptyOrMissing) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(9); ++seed) {
    Damage(seed, [&](RandomSource& random) {
      const fs::path current = path_ + "/db/CURRENT";
      if (seed % 3 == 0) Flip(current, random);
      if (seed % 3 == 1) Truncate(current, random);
      if (seed % 3 == 2) fs::remove(current);
    });
    EXPECT_TRUE(fs::exists(path_ + "/db.damaged"));
  }
}

TEST_F(StoreDamageTest, AllKindsOfFilesAtOnce) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(6); ++seed) {
    Damage(seed, [&](RandomSource& random) {
      for (const fs::path& file : Files("")) {
        if (fs::file_size(file) > 0 && random.OneIn(2)) Flip(file, random);
        if (random.OneIn(6)) fs::remove(file);
      }
    });
  }
}

TEST_F(StoreDamageTest, NothingThatCanBeRead) {
  RandomSource random(1);
  Fill(random);
  for (const fs::path& file : Files("")) std::ofstream(file, std::ios::trunc) << "nothing";
  Open();
  ExpectOnlyWhatWasReported();
  EXPECT_EQ(lost_, relays_.size());
  EXPECT_TRUE(fs::exists(path_ + "/db.damaged"));
  ExpectWholeAgain(random);
}

TEST_F(StoreDamageTest, OfADatabaseThatCannotBeOpenedEachRelayIsKnownByName) {
  RandomSource random(1);
  Fill(random);
  Open();  // all of it is in table files
  store_.reset();
  fs::remove(Files("MANIFEST").back());
  for (int start = 0; start < 2; ++start) {
    Open();
    const auto all = LoadAll(*store_);
    ASSERT_EQ(all.size(), relays_.size());
    for (const ModelRelay& relay : relays_) {
      EXPECT_EQ(all.at(relay.id()).relay.record.host(), relay.host());
      EXPECT_TRUE(absl::IsDataLoss(all.at(relay.id()).problem));
    }
  }
  ExpectWholeAgain(random);
}

// One block: its relays are named, and all others are served.
TEST_F(StoreDamageTest, ADamagedBlockCostsTheRelaysInIt) {
  size_t most = 0;
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + 6; ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    Fill(random);
    Open();  // all of it is in table files
    store_.reset();
    const auto tables = Files(".sst");
    const fs::path table = *std::max_element(tables.begin(), tables.end(), [](auto& a, auto& b) {
      return fs::file_size(a) < fs::file_size(b);
    });
    std::fstream file(table, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(random.Between(0, static_cast<int64_t>(fs::file_size(table)) / 2));
    file << "damage";
    file.close();
    Open();
    ExpectOnlyWhatWasReported();
    EXPECT_GT(lost_, 0U);
    EXPECT_LT(lost_, relays_.size());
    EXPECT_EQ(behind_, 0U);
    most = std::max(most, lost_);
    EXPECT_TRUE(fs::exists(path_ + "/db.damaged"));
    // Named again at each start, until a snapshot came.
    const size_t lost = lost_;
    Open();
    auto all = LoadAll(*store_);
    EXPECT_EQ(all.size(), relays_.size()) << "each is known by name";
    for (const ModelRelay& relay : relays_) {
      EXPECT_EQ(all[relay.id()].relay.record.host(), relay.host());
    }
    ExpectOnlyWhatWasReported();
    EXPECT_EQ(lost_, lost);
    ExpectWholeAgain(random);
  }
  EXPECT_LT(most, relays_.size() / 2);
}

// A store in which relays' records can't be read still knows which numbers are taken.
TEST_F(StoreDamageTest, ARelayWithoutAReadableRecordIsVisitedByItsNumber) {
  RandomSource random(2);
  Fill(random);
  Open();
  store_.reset();
  {
    test::RawStore raw(path_ + "/db");
    raw.Put("relays", test::RelayKey(5), "\xff\xff");
    const auto gone =
        raw.db().Delete(rocksdb::WriteOptions(), raw.family("relays"), test::RelayKey(6));
    ASSERT_TRUE(gone.ok());
  }
  Open();
  auto all = LoadAll(*store_);
  for (const RelayId id : {5, 6}) {
    ASSERT_TRUE(all.contains(id));
    EXPECT_FALSE(all[id].problem.ok());
    EXPECT_TRUE(all[id].relay.record.host().empty());
  }
  EXPECT_FALSE(fs::exists(path_ + "/db.damaged")) << "the files are sound";
}

// Stops at any moment of a rebuild: the next start has either database.
TEST_F(StoreDamageTest, ARebuildThatDoesNotFindRoomIsDoneLater) {
  RandomSource random(3);
  Fill(random);
  Open();
  store_.reset();
  for (const fs::path& table : Files(".sst")) {
    std::fstream file(table, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(20);
    file << "damage";
  }
  for (int64_t room = 30000;; room += 7001) {
    SCOPED_TRACE(room);
    disk_.SetRoom(FaultyDisk::kUnlimited);
    Open();
    disk_.SetRoom(room);
    ExpectOnlyWhatWasReported();  // finds the damage
    const absl::Status applied = store_->Apply({});
    if (applied.ok()) break;
    EXPECT_TRUE(absl::IsResourceExhausted(applied)) << applied;
    EXPECT_TRUE(absl::IsResourceExhausted(store_->Recover()) || room > 30000);
    EXPECT_FALSE(fs::exists(path_ + "/db.new")) << "it would take the room that is missing";
  }
  disk_.SetRoom(FaultyDisk::kUnlimited);
  ExpectOnlyWhatWasReported();
  EXPECT_TRUE(fs::exists(path_ + "/db.damaged"));
  ExpectWholeAgain(random);
}

TEST_F(StoreDamageTest, AReplacementIsFinishedFromWhereverItStopped) {
  RandomSource random(4);
  Fill(random);
  const std::string db = path_ + "/db";
  const auto open_and_expect_all = [&] {
    Open();
    ExpectOnlyWhatWasReported();
    EXPECT_EQ(lost_ + behind_, 0U);
    store_.reset();
    EXPECT_FALSE(fs::exists(path_ + "/db.new"));
    EXPECT_FALSE(fs::exists(path_ + "/db.ready"));
  };
  // While it was made.
  fs::create_directory(path_ + "/db.new");
  std::ofstream(path_ + "/db.new/CURRENT") << "half";
  open_and_expect_all();
  // It was ready, and nothing else was done: the old one is worth nothing.
  fs::rename(db, path_ + "/db.ready");
  fs::create_directories(db + "/lost");
  std::ofstream(db + "/CURRENT") << "damaged";
  fs::create_directory(path_ + "/db.damaged");
  std::ofstream(path_ + "/db.damaged/older") << "";
  open_and_expect_all();
  EXPECT_TRUE(fs::exists(path_ + "/db.damaged/CURRENT"));
  EXPECT_FALSE(fs::exists(path_ + "/db.damaged/older")) << "one is kept";
  // The old one was put aside.
  fs::rename(db, path_ + "/db.ready");
  open_and_expect_all();
  EXPECT_TRUE(fs::exists(path_ + "/db.damaged/CURRENT"));
}

}  // namespace
}  // namespace fleetqshape
