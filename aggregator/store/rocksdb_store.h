// The store on RocksDB.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_ROCKSDB_STORE_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_ROCKSDB_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "aggregator/store/store.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace fleetqshape {

struct RocksDbStoreOptions {
  // The disk and its threads; null: the machine's. Has to outlive the store.
  rocksdb::Env* env = nullptr;
  // What is gathered in memory for a table file, of each of four kinds of entries (and twice as
  // much of all together). Opening a store takes about so much room on the disk.
  size_t write_buffer_bytes = size_t{8} << 20;
  // What is written to the log before all of it is in table files.
  uint64_t max_log_bytes = uint64_t{64} << 20;
};

// Column families and keys are described in docs/store.md, what stands in `directory` in
// store_directory.h.
//
// Opens the store in `directory`, making it (for its owner alone) if there is none.
// FAILED_PRECONDITION: it has another format version or an older layout, or another process has it
// open; RESOURCE_EXHAUSTED: the disk is full; UNAVAILABLE: other trouble, in RocksDB's own words.
absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStore(const std::string& directory,
                                                        const RocksDbStoreOptions& options = {});

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_ROCKSDB_STORE_H_
