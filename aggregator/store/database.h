// A RocksDB with the store's column families, opened in the ways that a store needs.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_DATABASE_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_DATABASE_H_

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/store/store_keys.h"

namespace fleetqshape {

class BackgroundErrors;
class LogOrder;

struct DatabaseOptions {
  rocksdb::Env* env = nullptr;  // not null
  size_t write_buffer_bytes = 0;
  uint64_t max_log_bytes = 0;
};

// How RocksDB is set up, and its column families, by Family.
rocksdb::DBOptions DatabaseSettings(const DatabaseOptions& options);
std::vector<rocksdb::ColumnFamilyDescriptor> FamilySettings(const DatabaseOptions& options);

// How the write-ahead log was when it was read.
enum class LogState {
  kWhole,
  kUnfinishedEnd,  // it ends in a part of a record: nothing behind a whole record is lost
  kDamaged,        // what follows the damaged place is lost
};

// Open as long as it lives. Nothing of RocksDB's own acts on an error: no recovery is tried, and
// the error is kept. Safe for use by several threads, as RocksDB is.
class Database {
 public:
  // A new and empty database in a directory that is there.
  static absl::StatusOr<std::unique_ptr<Database>> Create(const std::string& path,
                                                          const DatabaseOptions& options);
  // Reads the log; what could be read of it is then in table files, for which there has to be room.
  // DATA_LOSS: its files are damaged, or some are missing, so that it can't be opened. A damaged
  // log alone is no error.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path,
                                                        const DatabaseOptions& options);
  // Changes nothing on the disk. Errors as above.
  static absl::StatusOr<std::unique_ptr<Database>> OpenReadOnly(const std::string& path,
                                                                const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family family) { return families_[family]; }
  LogState log_state() const { return log_state_; }
  // What was wrong with the log.
  const absl::Status& log_problem() const { return log_problem_; }
  // The first error of any write, also of those that RocksDB does by itself. OK if there was none.
  rocksdb::Status first_error() const;

 private:
  enum class Access { kCreate, kWrite, kRead };

  Database();
  static absl::StatusOr<std::unique_ptr<Database>> OpenAs(Access access, const std::string& path,
                                                          const DatabaseOptions& options);
  rocksdb::Status TryOpen(Access access, rocksdb::WALRecoveryMode mode, const std::string& path,
                          const DatabaseOptions& options);

  // Before db_, which uses them until it is gone.
  std::shared_ptr<BackgroundErrors> errors_;
  std::unique_ptr<LogOrder> log_order_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  LogState log_state_ = LogState::kWhole;
  absl::Status log_problem_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_DATABASE_H_
