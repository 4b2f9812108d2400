#include "tests/simulation/simulated_disk.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/simulation/simulated_database.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {
namespace {

constexpr int kBatches = 25;

// How far a database got.
struct Progress {
  int acknowledged = 0;  // the last batch that was
  int asked = 0;         // the last batch that may be there
};

// The fixed scenario: batches, flushes, compactions, and a restart between. Ends at the first
// failure.
void RunScenario(SimulatedDisk* disk, SimulatedDatabase::Settings settings, Progress* progress) {
  SimulatedDatabase database(disk, settings);
  if (!database.Open().ok()) return;
  while (progress->asked < kBatches) {
    ++progress->asked;
    if (!database.Write(progress->asked).ok()) return;
    progress->acknowledged = progress->asked;
    if (progress->asked % 4 == 0 && !database.Flush().ok()) return;
    if (progress->asked % 4 == 2) disk->RunBackground();
    if (progress->asked == 15) {
      database.Close();
      if (disk->dying() || !database.Open().ok()) return;
    }
  }
  disk->RunBackground();
}

// Opens what is left after a crash: it has all batches that were acknowledged, and maybe the next.
void ExpectAllThere(SimulatedDisk* disk, SimulatedDatabase::Settings settings,
                    const Progress& progress) {
  SimulatedDatabase database(disk, settings);
  const rocksdb::Status opened = database.Open();
  ASSERT_TRUE(opened.ok()) << opened.ToString();
  SimulatedDatabase::Contents contents;
  const rocksdb::Status read = database.Read(&contents);
  ASSERT_TRUE(read.ok()) << read.ToString();
  const int last = SimulatedDatabase::LastBatch(contents);
  EXPECT_GE(last, progress.acknowledged);
  EXPECT_LE(last, progress.asked);
  EXPECT_EQ(SimulatedDatabase::Expected(last), contents);
}

class SimulatedDiskCrash : public ::testing::TestWithParam<bool> {};

TEST_P(SimulatedDiskCrash, AtEveryOperation) {
  const bool machine = GetParam();
  Progress whole;
  SimulatedDisk undisturbed(1);
  RunScenario(&undisturbed, {}, &whole);
  ASSERT_EQ(kBatches, whole.acknowledged);
  for (uint64_t operation = 0; operation <= undisturbed.operations(); ++operation) {
    SCOPED_TRACE("crash at operation " + std::to_string(operation));
    SimulatedDisk disk(operation);
    Progress progress;
    disk.FailAfterOperations(operation);
    RunScenario(&disk, {}, &progress);
    machine ? disk.CrashMachine() : disk.CrashProcess();
    ASSERT_NO_FATAL_FAILURE(ExpectAllThere(&disk, {}, progress));
  }
}

INSTANTIATE_TEST_SUITE_P(, SimulatedDiskCrash, ::testing::Bool());

}  // namespace
}  // namespace fleetqshape::test
