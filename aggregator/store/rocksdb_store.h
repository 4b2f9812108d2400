// The store on RocksDB.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_ROCKSDB_STORE_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_ROCKSDB_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "aggregator/store/store.h"

namespace fleetqshape {

// Column families and keys are described in docs/store.md.
//
// Opens the store in `directory`, making it (for its owner alone) if there is none.
// FAILED_PRECONDITION: it has another format version, or another process has it open; UNAVAILABLE:
// RocksDB's own words.
absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStore(const std::string& directory);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_ROCKSDB_STORE_H_
