#include "tests/simulation/simulated_disk.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/scenario.h"

namespace fleetqshape::test {
namespace {

using Settings = SimulatedDatabase::Settings;

class SimulatedDiskCrash : public ::testing::TestWithParam<bool> {
 protected:
  void Crash(SimulatedDisk* disk) { GetParam() ? disk->CrashMachine() : disk->CrashProcess(); }
};

TEST_P(SimulatedDiskCrash, AtEveryOperation) {
  Progress whole;
  SimulatedDisk undisturbed(1);
  RunFixed(&undisturbed, Settings{}, &whole);
  ASSERT_EQ(kFixedBatches, whole.acknowledged);
  for (uint64_t operation = 0; operation <= undisturbed.operations(); ++operation) {
    SCOPED_TRACE("crash at operation " + std::to_string(operation));
    SimulatedDisk disk(operation);
    Progress progress;
    disk.FailAfterOperations(operation);
    RunFixed(&disk, Settings{}, &progress);
    EXPECT_EQ(operation < undisturbed.operations(), disk.dying());
    Crash(&disk);
    ASSERT_NO_FATAL_FAILURE(ExpectAllThere(&disk, Settings{}, &progress));
  }
}

TEST_P(SimulatedDiskCrash, AgainAndAgainAtRandom) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + Runs(40); ++seed) {
    SCOPED_TRACE(SeedTrace(seed));
    RandomSource random(seed);
    SimulatedDisk disk(seed);
    Progress progress;
    for (int life = 0; life < 5; ++life) {
      // Also in the opening after the last crash.
      disk.FailAfterOperations(static_cast<uint64_t>(random.Between(0, 150)));
      RunRandom(&disk, Settings{}, 40, random, &progress);
      Crash(&disk);
      ASSERT_NO_FATAL_FAILURE(ExpectAllThere(&disk, Settings{}, &progress));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, SimulatedDiskCrash, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "OfTheMachine" : "OfTheProcess");
});

// The counterpart of the tests above: they would see a sync that is missing.
TEST(SimulatedDisk, WithoutSyncsAMachinesCrashLosesBatches) {
  Settings unsynced;
  unsynced.sync = false;
  int losses = 0;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + 40; ++seed) {
    SCOPED_TRACE(SeedTrace(seed));
    SimulatedDisk disk(seed);
    Progress progress;
    RandomSource random(seed);
    RunRandom(&disk, unsynced, 20, random, &progress);
    disk.CrashMachine();
    SimulatedDatabase database(&disk, unsynced);
    ASSERT_TRUE(database.Open().ok());
    SimulatedDatabase::Contents contents;
    ASSERT_TRUE(database.Read(&contents).ok());
    losses += SimulatedDatabase::LastBatch(contents) < progress.acknowledged;
  }
  EXPECT_GT(losses, 10);
}

TEST(SimulatedDisk, WithoutSyncsAProcessCrashLosesNothing) {
  Settings unsynced;
  unsynced.sync = false;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + 40; ++seed) {
    SCOPED_TRACE(SeedTrace(seed));
    SimulatedDisk disk(seed);
    Progress progress;
    RandomSource random(seed);
    RunRandom(&disk, unsynced, 20, random, &progress);
    disk.CrashProcess();
    ASSERT_NO_FATAL_FAILURE(ExpectAllThere(&disk, unsynced, &progress));
  }
}

// Small memtables, so that RocksDB flushes when they are full.
uint64_t HashOfRun(uint64_t seed) {
  Settings settings;
  settings.write_buffer_bytes = 64 << 10;
  SimulatedDisk disk(seed);
  RandomSource random(seed);
  Progress progress;
  {
    SimulatedDatabase database(&disk, settings);
    EXPECT_TRUE(database.Open().ok());
    while (progress.asked < 300) {
      EXPECT_TRUE(database.Write(++progress.asked).ok());
      disk.RunBackground(1);
    }
  }
  disk.FailSometimes(Operation::kSync, 200);
  for (int life = 0; life < 3; ++life) {
    disk.FailAfterOperations(static_cast<uint64_t>(random.Between(200, 500)));
    RunRandom(&disk, settings, 200, random, &progress);
    disk.CrashMachine();
  }
  return disk.operations_hash();
}

TEST(SimulatedDisk, DoesTheSameWithTheSameSeed) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + 10; ++seed) {
    SCOPED_TRACE(SeedTrace(seed));
    EXPECT_EQ(HashOfRun(seed), HashOfRun(seed));
    EXPECT_NE(HashOfRun(seed), HashOfRun(seed + 1));
  }
}

TEST(SimulatedDisk, WhatWaitsForBackgroundWorkDoesIt) {
  SimulatedDisk disk(1);
  Settings settings;
  settings.write_buffer_bytes = 64 << 10;
  SimulatedDatabase database(&disk, settings);
  ASSERT_TRUE(database.Open().ok());
  // Far more than the memtables that RocksDB lets wait for a flush.
  int batch = 0;
  while (batch < 1000) ASSERT_TRUE(database.Write(++batch).ok());
  ASSERT_TRUE(database.FlushAndCompact().ok());
  SimulatedDatabase::Contents contents;
  ASSERT_TRUE(database.Read(&contents).ok());
  EXPECT_EQ(SimulatedDatabase::Expected(batch), contents);
}

TEST(SimulatedDisk, HasNoThreads) {
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  const auto before = threads();
  SimulatedDisk disk(1);
  SimulatedDatabase database(&disk, Settings{});
  ASSERT_TRUE(database.Open().ok());
  EXPECT_EQ(before, threads());
}

TEST(SimulatedDisk, IsLockedByOneDatabaseUntilThatEnds) {
  SimulatedDisk disk(1);
  SimulatedDatabase first(&disk, Settings{});
  ASSERT_TRUE(first.Open().ok());
  SimulatedDatabase second(&disk, Settings{});
  EXPECT_TRUE(second.Open().IsIOError());
  disk.CrashProcess();
  SimulatedDatabase third(&disk, Settings{});
  EXPECT_TRUE(third.Open().ok());
}

void WriteFile(rocksdb::Env* env, const std::string& path, const std::string& contents) {
  ASSERT_TRUE(rocksdb::WriteStringToFile(env, contents, path, /*should_sync=*/true).ok());
}

// What a directory's names are after a crash of the machine, in many of them.
std::set<std::vector<std::string>> NamesAfterCrashes(bool sync_directory) {
  std::set<std::vector<std::string>> found;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SimulatedDisk disk(seed);
    std::unique_ptr<rocksdb::Directory> directory;
    EXPECT_TRUE(disk.env()->NewDirectory(SimulatedDisk::kDirectory, &directory).ok());
    WriteFile(disk.env(), "/disk/a", "old");
    EXPECT_TRUE(directory->Fsync().ok());
    WriteFile(disk.env(), "/disk/b", "new");
    EXPECT_TRUE(disk.env()->RenameFile("/disk/b", "/disk/a").ok());
    WriteFile(disk.env(), "/disk/c", "later");
    if (sync_directory) {
      EXPECT_TRUE(directory->Fsync().ok());
    }
    disk.CrashMachine();
    found.insert(disk.Files());
    // A rename happens at once, or not.
    const bool is_old = disk.Files() == std::vector<std::string>{"/disk/a"} ||
                        disk.Files() == std::vector<std::string>{"/disk/a", "/disk/b"};
    const std::string contents = *disk.Contents("/disk/a");
    EXPECT_TRUE(contents == "new" || (is_old && contents == "old")) << contents;
  }
  return found;
}

TEST(SimulatedDisk, ADirectorysChangesAreUndoneInTheirOrder) {
  const std::vector<std::string> a = {"/disk/a"};
  const std::vector<std::string> ab = {"/disk/a", "/disk/b"};
  const std::vector<std::string> ac = {"/disk/a", "/disk/c"};
  EXPECT_EQ((std::set{a, ab, ac}), NamesAfterCrashes(false));
  EXPECT_EQ((std::set{ac}), NamesAfterCrashes(true));
}

TEST(SimulatedDisk, ADeadProcessChangesNothing) {
  SimulatedDisk disk(1);
  SimulatedDatabase dead(&disk, Settings{});
  ASSERT_TRUE(dead.Open().ok());
  ASSERT_TRUE(dead.Write(1).ok());
  disk.CrashProcess();
  const uint64_t operations = disk.operations();
  EXPECT_FALSE(dead.Write(2).ok());
  dead.Close();
  EXPECT_EQ(operations, disk.operations());
  Progress progress{1, 1};
  ExpectAllThere(&disk, Settings{}, &progress);
}

}  // namespace
}  // namespace fleetqshape::test
