#include <gtest/gtest.h>

#include <string>

#include "tests/simulation/scenario.h"
#include "tests/simulation/simulated_disk.h"

namespace fleetqshape::test {
namespace {

using Settings = SimulatedDatabase::Settings;

TEST(SimulatedFaults, AFullDiskRefusesBatchesAndLosesNone) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + Runs(60); ++seed) {
    SCOPED_TRACE(SeedTrace(seed));
    SimulatedDisk disk(seed);
    RandomSource random(seed);
    Progress progress;
    {
      SimulatedDatabase database(&disk, Settings{});
      ASSERT_TRUE(database.Open().ok());
      ASSERT_TRUE(database.Write(progress.acknowledged = progress.asked = 1).ok());
      uint64_t used = 0;
      for (const std::string& path : disk.Files()) used += disk.Contents(path)->size();
      disk.SetCapacity(used + static_cast<uint64_t>(random.Between(0, 30'000)));
      rocksdb::Status written;
      while ((written = database.Write(++progress.asked)).ok()) {
        progress.acknowledged = progress.asked;
        // It fails once a flush in the background has: then so do all later batches.
        if (random.OneIn(10)) database.Flush().PermitUncheckedError();
        if (random.OneIn(5)) disk.RunBackground(2);
      }
      EXPECT_TRUE(written.IsNoSpace()) << written.ToString();
    }
    if (random.OneIn(2)) random.OneIn(2) ? disk.CrashMachine() : disk.CrashProcess();
    disk.SetCapacity(SimulatedDisk::kNoLimit);
    ASSERT_NO_FATAL_FAILURE(ExpectAllThere(&disk, Settings{}, &progress));
  }
}

TEST(SimulatedFaults, FilesTakePlaceUntilTheyAreDeletedAndClosed) {
  SimulatedDisk disk(1);
  disk.SetCapacity(1000);
  rocksdb::Env* env = disk.env();
  std::unique_ptr<rocksdb::WritableFile> file;
  ASSERT_TRUE(env->NewWritableFile("/disk/a", &file, rocksdb::EnvOptions()).ok());
  ASSERT_TRUE(file->Append(std::string(600, 'a')).ok());
  EXPECT_EQ(400, disk.FreeBytes());
  EXPECT_TRUE(file->Append(std::string(600, 'a')).IsNoSpace());
  EXPECT_EQ(0, disk.FreeBytes());
  ASSERT_TRUE(env->DeleteFile("/disk/a").ok());
  EXPECT_EQ(0, disk.FreeBytes());
  file.reset();
  EXPECT_EQ(1000, disk.FreeBytes());
  ASSERT_TRUE(env->NewWritableFile("/disk/b", &file, rocksdb::EnvOptions()).ok());
  ASSERT_TRUE(file->Allocate(0, 700).ok());
  EXPECT_EQ(300, disk.FreeBytes());
  ASSERT_TRUE(file->Append("b").ok());
  ASSERT_TRUE(file->Close().ok());
  EXPECT_EQ(999, disk.FreeBytes());
}

// Each failure ends a process. What it was told to be written is there, whatever fails.
TEST(SimulatedFaults, FailuresLoseNothing) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + Runs(50); ++seed) {
    SCOPED_TRACE(SeedTrace(seed));
    SimulatedDisk disk(seed);
    RandomSource random(seed);
    Progress progress;
    for (int life = 0; life < 4; ++life) {
      for (const Operation operation : {Operation::kAppend, Operation::kSync, Operation::kRename,
                                        Operation::kCreate, Operation::kSyncDirectory}) {
        if (random.OneIn(3)) disk.FailSometimes(operation, 60);
      }
      RunRandom(&disk, Settings{}, 40, random, &progress);
      random.OneIn(2) ? disk.CrashMachine() : disk.CrashProcess();
      disk.StopFailing();
      ASSERT_NO_FATAL_FAILURE(ExpectAllThere(&disk, Settings{}, &progress));
    }
  }
}

TEST(SimulatedFaults, AWriteWhoseSyncFailsFails) {
  SimulatedDisk disk(1);
  SimulatedDatabase database(&disk, Settings{});
  ASSERT_TRUE(database.Open().ok());
  ASSERT_TRUE(database.Write(1).ok());
  disk.FailNext(Operation::kSync, FileKind::kLog);
  EXPECT_TRUE(database.Write(2).IsIOError());
  EXPECT_FALSE(database.Write(3).ok());
}

// As the kernel does: it reports that a sync failed once, and takes the pages for clean.
TEST(SimulatedFaults, ALaterSyncDoesNotMendOneThatFailed) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SimulatedDisk disk(seed);
    std::unique_ptr<rocksdb::WritableFile> file;
    ASSERT_TRUE(disk.env()->NewWritableFile("/disk/a", &file, rocksdb::EnvOptions()).ok());
    std::unique_ptr<rocksdb::Directory> directory;
    ASSERT_TRUE(disk.env()->NewDirectory("/disk", &directory).ok());
    ASSERT_TRUE(directory->Fsync().ok());
    ASSERT_TRUE(file->Append("first").ok());
    disk.FailNext(Operation::kSync);
    ASSERT_FALSE(file->Sync().ok());
    ASSERT_TRUE(file->Append("second").ok());
    ASSERT_TRUE(file->Sync().ok());
    disk.CrashMachine();
    const std::string after = *disk.Contents("/disk/a");
    ASSERT_EQ(11, after.size());
    EXPECT_EQ("second", after.substr(5));
    lost += after.substr(0, 5) == std::string(5, '\0');
  }
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 35);
}

TEST(SimulatedFaults, AReadThatFailsIsAnError) {
  SimulatedDisk disk(1);
  Progress progress;
  RunFixed(&disk, Settings{}, &progress);
  disk.FailNext(Operation::kRead, FileKind::kTable, 1);
  SimulatedDatabase database(&disk, Settings{});
  SimulatedDatabase::Contents contents;
  EXPECT_FALSE(database.Open().ok() && database.Read(&contents).ok());
}

TEST(SimulatedFaults, ABitThatFlipsInATableIsNoticedOrDoesNoHarm) {
  int noticed = 0;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + 40; ++seed) {
    SCOPED_TRACE(SeedTrace(seed));
    SimulatedDisk disk(seed);
    Progress progress;
    RunFixed(&disk, Settings{}, &progress);
    ASSERT_NE("", disk.FlipBit(FileKind::kTable));
    SimulatedDatabase database(&disk, Settings{});
    SimulatedDatabase::Contents contents;
    if (!database.Open().ok() || !database.Read(&contents).ok()) {
      ++noticed;
    } else {
      EXPECT_EQ(SimulatedDatabase::Expected(kFixedBatches), contents);
    }
  }
  EXPECT_GT(noticed, 10);
}

}  // namespace
}  // namespace fleetqshape::test
