// Whether a store that is not in use is sound, by looking only.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_STORE_CHECK_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_STORE_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace fleetqshape {

struct StoreCheck {
  // Fit to be shown. Problems: something is damaged; notes: what is worth knowing and no damage.
  std::vector<std::string> problems;
  std::vector<std::string> notes;
  std::string format;  // the version; empty if it could not be read
  uint64_t relays = 0;
  uint64_t names = 0;       // of each relay by itself
  uint64_t messages = 0;    // arrivals on sender axes
  uint64_t recipients = 0;  // arrivals on recipient axes
  uint64_t bytes = 0;       // of the database's files
};

// Reads all of the store, with all checksums, and holds its lock meanwhile. Nothing is changed.
// `env` null: the machine's. NOT_FOUND: no store is there; FAILED_PRECONDITION: it is in use, or of
// an older layout; UNAVAILABLE: it can't be read.
absl::StatusOr<StoreCheck> CheckStore(const std::string& directory, rocksdb::Env* env = nullptr);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_STORE_CHECK_H_
