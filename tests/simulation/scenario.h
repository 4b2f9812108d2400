// What happens to a database of a test before and after its machine's troubles.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SCENARIO_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SCENARIO_H_

#include <gtest/gtest.h>

#include "tests/simulation/simulated_database.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {

// How far a database got.
struct Progress {
  int acknowledged = 0;  // the last batch that was
  int asked = 0;         // the last batch that may be there: at most one more
};

constexpr int kFixedBatches = 25;

// Batches, flushes, compactions, and an opening anew between. Ends at the first failure.
inline void RunFixed(SimulatedDisk* disk, SimulatedDatabase::Settings settings,
                     Progress* progress) {
  SimulatedDatabase database(disk, settings);
  if (!database.Open().ok()) return;
  while (progress->asked < kFixedBatches) {
    ++progress->asked;
    if (!database.Write(progress->asked).ok()) return;
    progress->acknowledged = progress->asked;
    if (progress->asked % 4 == 0 && !database.Flush().ok()) return;
    if (progress->asked % 4 == 2) disk->RunBackground();
    if (progress->asked == 15) {
      database.Close();
      if (!database.Open().ok()) return;
    }
  }
  disk->RunBackground();
}

// The same in any order, for so many steps.
inline void RunRandom(SimulatedDisk* disk, SimulatedDatabase::Settings settings, int steps,
                      RandomSource& random, Progress* progress) {
  SimulatedDatabase database(disk, settings);
  if (!database.Open().ok()) return;
  for (int step = 0; step < steps; ++step) {
    if (random.OneIn(8) && !database.Flush().ok()) return;
    if (random.OneIn(4)) disk->RunBackground(static_cast<size_t>(random.Between(1, 3)));
    if (random.OneIn(30)) {
      database.Close();
      if (!database.Open().ok()) return;
    }
    ++progress->asked;
    if (!database.Write(progress->asked).ok()) return;
    progress->acknowledged = progress->asked;
  }
}

// Opens what is left: it has all batches that were acknowledged, and maybe the one after.
inline void ExpectAllThere(SimulatedDisk* disk, SimulatedDatabase::Settings settings,
                           Progress* progress) {
  SimulatedDatabase database(disk, settings);
  const rocksdb::Status opened = database.Open();
  ASSERT_TRUE(opened.ok()) << opened.ToString();
  SimulatedDatabase::Contents contents;
  const rocksdb::Status read = database.Read(&contents);
  ASSERT_TRUE(read.ok()) << read.ToString();
  const int last = SimulatedDatabase::LastBatch(contents);
  ASSERT_GE(last, progress->acknowledged);
  ASSERT_LE(last, progress->asked);
  ASSERT_EQ(SimulatedDatabase::Expected(last), contents);
  // A later batch follows on this one.
  progress->acknowledged = progress->asked = last;
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SCENARIO_H_
