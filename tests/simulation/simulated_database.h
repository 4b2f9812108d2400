// A small database on a simulated disk, whose contents follow from the number of its last batch.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_DATABASE_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_DATABASE_H_

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/simulated_disk.h"

namespace fleetqshape::test {

// Batch n, which is written after batch n - 1, changes several column families in every way. Since
// all of it is atomic, the contents are always those of some n.
class SimulatedDatabase {
 public:
  struct Settings {
    rocksdb::WALRecoveryMode recovery = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    bool sync = true;
    size_t write_buffer_bytes = size_t{64} << 20;
  };
  // Everything that is stored: a map for each column family.
  using Contents = std::vector<std::map<std::string, std::string>>;

  SimulatedDatabase(SimulatedDisk* disk, Settings settings) : disk_(disk), settings_(settings) {}
  ~SimulatedDatabase() { Close(); }
  SimulatedDatabase(const SimulatedDatabase&) = delete;
  SimulatedDatabase& operator=(const SimulatedDatabase&) = delete;

  rocksdb::Status Open();
  void Close();
  rocksdb::Status Write(int batch);
  // Has the memtables of all families flushed, as far as the disk lets it.
  rocksdb::Status Flush();
  // The same and a compaction, and waits for them.
  rocksdb::Status FlushAndCompact();
  rocksdb::Status Read(Contents* contents) const;

  // What is stored after `batch`; 0: nothing.
  static Contents Expected(int batch);
  // The last batch by what is stored of it.
  static int LastBatch(const Contents& contents);

 private:
  SimulatedDisk* const disk_;
  const Settings settings_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_DATABASE_H_
