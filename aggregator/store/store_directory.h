// The directory of a store, and how the database in it is replaced by another one.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_STORE_DIRECTORY_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_STORE_DIRECTORY_H_

#include <rocksdb/env.h>
#include <rocksdb/status.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fleetqshape {

// RocksDB's words. RESOURCE_EXHAUSTED: the disk is full; DATA_LOSS: what was read is damaged;
// UNAVAILABLE: all else.
absl::Status ToAbsl(const rocksdb::Status& status);

// What stands in the directory, beside LOCK:
//   db          the database
//   db.new      one that is being made; worth nothing
//   db.ready    one that is complete, to take the place of db
//   db.damaged  the database that was replaced last, for people to look at
// Each step of a replacement is one rename that was synced before the next, so that a stop at any
// moment leaves either the old or the new database. Used by one thread at a time; `env` has to
// outlive it. Its lock keeps others out as long as it lives.
class StoreDirectory {
 public:
  // Makes the directory, for its owner alone, if it is not there, locks it, and finishes or drops
  // what a stop left half done. FAILED_PRECONDITION: another process, or another handle, has it, or
  // a database of the older layout is in it; UNAVAILABLE, RESOURCE_EXHAUSTED: it can't be used.
  static absl::StatusOr<std::unique_ptr<StoreDirectory>> Take(const std::string& path,
                                                              rocksdb::Env* env);
  // To look only: makes nothing, and changes nothing but the lock. NOT_FOUND: no store is there;
  // FAILED_PRECONDITION as above.
  static absl::StatusOr<std::unique_ptr<StoreDirectory>> TakeExisting(const std::string& path,
                                                                      rocksdb::Env* env);
  ~StoreDirectory();
  StoreDirectory(const StoreDirectory&) = delete;
  StoreDirectory& operator=(const StoreDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string database() const { return path_ + "/db"; }
  std::string new_database() const { return path_ + "/db.new"; }
  std::string ready_database() const { return path_ + "/db.ready"; }
  std::string damaged_database() const { return path_ + "/db.damaged"; }

  absl::StatusOr<bool> HasDatabase() const;
  // An empty new_database().
  absl::Status PrepareNew();
  // Removes new_database(), if it is there.
  absl::Status DropNew();
  // new_database(), which has to be complete, synced and closed, becomes database(); that, if it is
  // there, becomes damaged_database(). After an error either may be database(), or none, until
  // FinishReplacement has succeeded.
  absl::Status ReplaceByNew();
  // Goes on where ReplaceByNew stopped, if it did.
  absl::Status FinishReplacement();

 private:
  StoreDirectory(std::string path, rocksdb::Env* env);

  absl::Status Lock();
  absl::Status RefuseOlderLayout() const;
  absl::StatusOr<bool> Exists(const std::string& path) const;
  absl::Status MakeDirectory(const std::string& path) const;
  absl::Status RemoveTree(const std::string& path) const;
  absl::Status Rename(const std::string& from, const std::string& to) const;

  const std::string path_;
  rocksdb::Env& env_;
  rocksdb::FileLock* lock_ = nullptr;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_STORE_DIRECTORY_H_
