// When operations on files fail, and which ones there were.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_FAULT_PLAN_H_
#define FLEETQSHAPE_TESTS_SIMULATION_FAULT_PLAN_H_

#include <rocksdb/io_status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape::test {

enum class Operation : uint8_t {
  kCreate,  // or truncate, by opening for writing
  kAppend,
  kAllocate,
  kTruncate,
  kSync,
  kRename,
  kDelete,
  kLink,
  kDirectory,  // made or removed
  kSyncDirectory,
  kRead,  // changes nothing, so that it is not counted
};

// What a file is to RocksDB, by its name.
enum class FileKind : uint8_t { kLog, kTable, kManifest, kCurrent, kOther };
FileKind KindOf(const std::string& path);

// Not safe for use by several threads.
class FaultPlan {
 public:
  // What fails, and how often. A fault of the kind that is asked for, on any file or on those of
  // one kind.
  struct Fault {
    Operation operation;
    std::optional<FileKind> kind;
    int64_t one_in = 1;  // of so many operations that it could hit, at random
    int64_t times = 1;   // then it is over
  };
  // What is to be done. If it is an append that fails, `kept` bytes of it are done nevertheless.
  struct Verdict {
    rocksdb::IOStatus status;
    uint64_t kept = 0;
  };

  explicit FaultPlan(RandomSource* random) : random_(random) {}

  // Asked before each operation. `data` is what is appended.
  Verdict Begin(Operation operation, const std::string& path, std::string_view data = {});
  // Adds to the hash how it went.
  void Ended(std::string_view outcome) { Hash(outcome); }

  // After so many further changes, each one fails, as if the process were dying. Of an append that
  // is the first to fail, some may be done if `partly`.
  void DieAfter(uint64_t operations, bool partly);
  bool dying() const { return dies_at_.has_value() && operations_ > *dies_at_; }
  // A new process doesn't die.
  void Live() { dies_at_.reset(); }

  void Add(Fault fault) { faults_.push_back(fault); }
  void Clear() { faults_.clear(); }

  // Changes that were asked for so far, failed ones included.
  uint64_t operations() const { return operations_; }
  // Of all changes: what, which file, which bytes (of logs: other files hold names of sessions
  // that RocksDB draws by itself; only their number counts).
  uint64_t hash() const { return hash_; }

 private:
  void Hash(std::string_view text);
  Fault* Hit(Operation operation, const std::string& path);

  RandomSource* random_;
  std::vector<Fault> faults_;
  std::optional<uint64_t> dies_at_;
  bool dies_partly_ = false;
  uint64_t operations_ = 0;
  uint64_t hash_ = 14695981039346656037U;  // FNV-1a
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_FAULT_PLAN_H_
