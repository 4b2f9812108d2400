// What RocksDB 7.8 makes of logs that end in a torn batch, and of logs with damage: no mode opens
// after each crash and notices each damage. Tests of it, so that another version's answers are
// seen.
#include <gtest/gtest.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <string>

#include "tests/simulation/simulated_database.h"
#include "tests/simulation/simulated_disk.h"

namespace fleetqshape::test {
namespace {

using Mode = rocksdb::WALRecoveryMode;

constexpr int kSynced = 24;
constexpr int kSeeds = 60;

SimulatedDatabase::Settings With(Mode mode) {
  SimulatedDatabase::Settings settings;
  settings.recovery = mode;
  return settings;
}

std::string* Log(SimulatedDisk* disk) {
  for (const std::string& path : disk->Files()) {
    if (KindOf(path) == FileKind::kLog) return disk->Contents(path);
  }
  return nullptr;
}

// Puts batches into a log; the last one's sync fails.
void WriteLog(SimulatedDisk* disk, int batches) {
  SimulatedDatabase database(disk, {});
  ASSERT_TRUE(database.Open().ok());
  for (int batch = 1; batch < batches; ++batch) ASSERT_TRUE(database.Write(batch).ok());
  disk->FailNext(Operation::kSync, FileKind::kLog);
  ASSERT_FALSE(database.Write(batches).ok());
  disk->CrashProcess();
}

// The last batch that is there, -1 if the database doesn't open.
int OpensWith(SimulatedDisk* disk, Mode mode) {
  SimulatedDatabase database(disk, With(mode));
  const rocksdb::Status opened = database.Open();
  if (!opened.ok()) {
    EXPECT_TRUE(opened.IsCorruption()) << opened.ToString();
    return -1;
  }
  SimulatedDatabase::Contents contents;
  EXPECT_TRUE(database.Read(&contents).ok());
  const int last = SimulatedDatabase::LastBatch(contents);
  EXPECT_EQ(SimulatedDatabase::Expected(last), contents);
  return last;
}

// How often a log doesn't open whose last batch is torn in that way.
int Refused(Mode mode, Tear tear) {
  int refused = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    SimulatedDisk disk(static_cast<uint64_t>(seed));
    disk.set_tears(FileKind::kLog, {tear});
    WriteLog(&disk, kSynced + 1);
    disk.CrashMachine();
    const int last = OpensWith(&disk, mode);
    refused += last == -1;
    EXPECT_TRUE(last == -1 || last >= kSynced) << last;
  }
  return refused;
}

TEST(LogRecovery, OfATornTail) {
  EXPECT_EQ(0, Refused(Mode::kPointInTimeRecovery, Tear::kPrefix));
  EXPECT_EQ(0, Refused(Mode::kPointInTimeRecovery, Tear::kZeros));
  EXPECT_EQ(0, Refused(Mode::kPointInTimeRecovery, Tear::kGarbage));
  EXPECT_EQ(0, Refused(Mode::kPointInTimeRecovery, Tear::kHoles));
  // A record that is too short is a tail; one with bytes that are others is damage.
  EXPECT_EQ(0, Refused(Mode::kTolerateCorruptedTailRecords, Tear::kPrefix));
  EXPECT_LT(0, Refused(Mode::kTolerateCorruptedTailRecords, Tear::kZeros));
  EXPECT_LT(0, Refused(Mode::kTolerateCorruptedTailRecords, Tear::kGarbage));
  EXPECT_LT(0, Refused(Mode::kTolerateCorruptedTailRecords, Tear::kHoles));
  EXPECT_LT(0, Refused(Mode::kAbsoluteConsistency, Tear::kPrefix));
}

TEST(LogRecovery, OfABitThatFlips) {
  int tolerant_noticed = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedDisk tolerant(static_cast<uint64_t>(seed));
    WriteLog(&tolerant, kSynced);
    SimulatedDisk point_in_time(static_cast<uint64_t>(seed));
    WriteLog(&point_in_time, kSynced);
    const size_t bit = static_cast<size_t>(seed) * 7919 % (Log(&tolerant)->size() * 8);
    for (SimulatedDisk* disk : {&tolerant, &point_in_time}) {
      (*Log(disk))[bit / 8] = static_cast<char>((*Log(disk))[bit / 8] ^ (1 << (bit % 8)));
    }
    tolerant_noticed += OpensWith(&tolerant, Mode::kTolerateCorruptedTailRecords) == -1;
    // Without a word, it has none of what follows.
    const int last = OpensWith(&point_in_time, Mode::kPointInTimeRecovery);
    EXPECT_GE(last, 0);
    EXPECT_LT(last, kSynced);
  }
  EXPECT_GE(tolerant_noticed, kSeeds * 9 / 10);
}

// A record's header is a checksum of four bytes, a length of two and a type of one. The length
// says more than there is: a torn tail, to the tolerant.
TEST(LogRecovery, OfALengthThatIsDamaged) {
  for (const Mode mode : {Mode::kTolerateCorruptedTailRecords, Mode::kAbsoluteConsistency}) {
    SimulatedDisk disk(1);
    WriteLog(&disk, kSynced);
    (*Log(&disk))[5] ^= '\x80';
    EXPECT_EQ(mode == Mode::kAbsoluteConsistency ? -1 : 0, OpensWith(&disk, mode));
  }
}

// The type says that the record was of another log in this file before: the log's end, to all.
TEST(LogRecovery, OfATypeThatIsDamaged) {
  for (const Mode mode : {Mode::kTolerateCorruptedTailRecords, Mode::kAbsoluteConsistency,
                          Mode::kPointInTimeRecovery}) {
    SimulatedDisk disk(1);
    WriteLog(&disk, kSynced);
    (*Log(&disk))[6] ^= '\x04';
    EXPECT_EQ(0, OpensWith(&disk, mode));
  }
}

// There is no mode for the MANIFEST, and it can be torn like any file.
TEST(LogRecovery, OfAManifestThatEndsInZeros) {
  for (const Mode mode : {Mode::kTolerateCorruptedTailRecords, Mode::kPointInTimeRecovery}) {
    SimulatedDisk disk(1);
    WriteLog(&disk, kSynced);
    for (const std::string& path : disk.Files()) {
      if (KindOf(path) != FileKind::kManifest) continue;
      std::string& manifest = *disk.Contents(path);
      std::fill(manifest.end() - 10, manifest.end(), '\0');
    }
    EXPECT_EQ(-1, OpensWith(&disk, mode));
  }
}

}  // namespace
}  // namespace fleetqshape::test
