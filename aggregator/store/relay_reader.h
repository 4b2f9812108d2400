// Goes through all that a database has of relays, over what can't be read.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_RELAY_READER_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_RELAY_READER_H_

#include <rocksdb/iterator.h>
#include <rocksdb/slice.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "aggregator/store/database.h"
#include "aggregator/store/store.h"

namespace fleetqshape {

// One family, relay by relay. Where RocksDB can't read, it goes on with the next relay that it can
// read.
class FamilyCursor {
 public:
  FamilyCursor(Database* database, Family family);

  // The first relay from this number on that has an entry here. Nothing: none has.
  std::optional<RelayId> Find(uint64_t from);
  // Calls `visit` with each entry of the relay. UNAVAILABLE: not all could be read; else what
  // `visit` first said.
  using Visit =
      absl::FunctionRef<absl::Status(const rocksdb::Slice& key, const rocksdb::Slice& value)>;
  absl::Status ForEach(RelayId relay, Visit visit);
  // DATA_LOSS, or another error, if RocksDB could not read something.
  const absl::Status& trouble() const { return trouble_; }

 private:
  const std::unique_ptr<rocksdb::Iterator> entries_;
  absl::Status trouble_;
};

// Used by one thread. The database must not be written to meanwhile.
class RelayReader {
 public:
  explicit RelayReader(Database* database);

  // Reads the next relay that is wanted, by rising id, and those that have no record or none that
  // reads. False: there is none. `problem` as for Store::Visit; whether all fits together is
  // CheckRelay's to say.
  bool Next(Store::Wanted wanted, LoadedRelay* loaded, absl::Status* problem);
  // What RocksDB could not read so far. DATA_LOSS: its files are damaged; another error: the disk
  // did not do what it should, and nothing is known of relays with a problem.
  absl::Status trouble() const;

 private:
  absl::Status ReadRecord(LoadedRelay* loaded);
  absl::Status ReadNames(LoadedRelay* loaded);
  absl::Status ReadSections(LoadedRelay* loaded);

  Database& database_;
  FamilyCursor relays_;
  FamilyCursor names_;
  FamilyCursor shapes_;
  uint64_t next_ = 0;
  absl::Status record_trouble_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_RELAY_READER_H_
