#include "aggregator/store/database.h"

#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "aggregator/store/section_merge_operator.h"
#include "aggregator/store/section_value.h"
#include "aggregator/store/store_directory.h"
#include "common/base/mutex.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// RocksDB's own log lines go where ours go. Its log file would share the disk with the data, and
// this RocksDB ends the program when it can't write to that file.
class LogToSpdlog final : public rocksdb::Logger {
 public:
  LogToSpdlog() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[1024];
    std::vsnprintf(line, sizeof line, format, arguments);
    spdlog::debug("rocksdb: {}", line);
  }
};

// Notes what stands in a database's directory, to remove what an attempt to open it left there:
// RocksDB forgets table files that it had made before it failed, and where the disk is full, each
// attempt would take more of what room there is.
class Leftovers {
 public:
  Leftovers(const std::string& path, rocksdb::Env* env) : path_(path), env_(*env) {
    noted_ = Note(&files_, &current_);
  }
  // Only files that CURRENT can't lead to: those are new, and it still says what it said.
  void Remove() {
    std::vector<std::string> files;
    std::string current;
    if (!noted_ || !Note(&files, &current) || current != current_) return;
    for (const std::string& file : files) {
      if (std::find(files_.begin(), files_.end(), file) != files_.end()) continue;
      env_.DeleteFile(absl::StrCat(path_, "/", file)).PermitUncheckedError();
    }
  }

 private:
  bool Note(std::vector<std::string>* files, std::string* current) {
    return env_.GetChildren(path_, files).ok() &&
           rocksdb::ReadFileToString(&env_, path_ + "/CURRENT", current).ok();
  }

  const std::string path_;
  rocksdb::Env& env_;
  bool noted_ = false;
  std::vector<std::string> files_;
  std::string current_;
};

// Files are damaged or missing: it does not help to try again.
bool IsDamage(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsPathNotFound() || status.IsNotFound() ||
         // Without CURRENT, or with a MANIFEST that ends too early.
         (status.IsInvalidArgument() &&
          (absl::StrContains(status.ToString(), "does not exist") ||
           absl::StrContains(absl::AsciiStrToLower(status.ToString()), "column famil")));
}

absl::Status OpeningError(const std::string& path, const rocksdb::Status& status) {
  const std::string words = absl::StrCat(path, ": ", status.ToString());
  if (IsDamage(status)) return absl::DataLossError(words);
  return absl::Status(ToAbsl(status).code(), words);
}

}  // namespace

rocksdb::DBOptions DatabaseSettings(const DatabaseOptions& given) {
  rocksdb::DBOptions options;
  options.env = given.env;
  // The write-ahead log is read at the start, and what is in it then needs room in table files.
  options.max_total_wal_size = given.max_log_bytes;
  options.db_write_buffer_size = 2 * given.write_buffer_bytes;
  options.manifest_preallocation_size = size_t{64} << 10;
  options.info_log = std::make_shared<LogToSpdlog>();
  // What is done after an error is decided above: nothing may go on by itself.
  options.max_bgerror_resume_count = 0;
  // No threads but those of the Env.
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_file_opening_threads = 1;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> FamilySettings(const DatabaseOptions& given) {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const char* name : kFamilyNames) {
    rocksdb::ColumnFamilyOptions family;
    family.compression = rocksdb::kLZ4Compression;
    family.write_buffer_size = given.write_buffer_bytes;
    descriptors.emplace_back(name, family);
  }
  // A compaction writes all names of the fleet anew, however few are new: twice as rarely as usual.
  // Sections are compacted as often as usual, since a start merges what was not.
  descriptors[kNames].options.level0_file_num_compaction_trigger = 8;
  static const EmptySectionFilter kEmptySections;  // has no state
  descriptors[kShapes].options.merge_operator = std::make_shared<SectionMergeOperator>();
  descriptors[kShapes].options.compaction_filter = &kEmptySections;
  // Varints hardly compress, and each merge takes them apart again.
  descriptors[kShapes].options.compression = rocksdb::kNoCompression;
  return descriptors;
}

class BackgroundErrors final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* error) override {
    MutexLock lock(mutex_);
    if (first_.ok()) first_ = *error;
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  rocksdb::Status first() const {
    MutexLock lock(mutex_);
    return first_;
  }

 private:
  mutable Mutex mutex_;
  rocksdb::Status first_ FQS_GUARDED_BY(mutex_);
};

// RocksDB goes over some holes in its log without a word: over zeros, and over the end of a file
// that was cut off. Each record has the number of its first entry, so that a hole shows.
class LogOrder final : public rocksdb::WalFilter {
 public:
  WalProcessingOption LogRecordFound(unsigned long long /*log_number*/,
                                     const std::string& /*log_file_name*/,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* /*new_batch*/,
                                     bool* /*batch_changed*/) override {
    const std::string& bytes = batch.Data();
    uint64_t first = 0;
    for (size_t i = 8; i > 0; --i) first = (first << 8) | static_cast<unsigned char>(bytes[i - 1]);
    if (next_ != 0 && first > next_) return WalProcessingOption::kCorruptedRecord;
    next_ = std::max(next_, first + batch.Count());
    return WalProcessingOption::kContinueProcessing;
  }
  const char* Name() const override { return "of records that are missing"; }

 private:
  uint64_t next_ = 0;  // 0: none was seen
};

Database::Database() = default;

Database::~Database() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  // What is acknowledged is synced: there is nothing that an error here could lose.
  db_->Close().PermitUncheckedError();
}

rocksdb::Status Database::first_error() const { return errors_->first(); }

absl::StatusOr<std::unique_ptr<Database>> Database::Create(const std::string& path,
                                                           const DatabaseOptions& options) {
  return OpenAs(Access::kCreate, path, options);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path,
                                                         const DatabaseOptions& options) {
  return OpenAs(Access::kWrite, path, options);
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenReadOnly(const std::string& path,
                                                                 const DatabaseOptions& options) {
  return OpenAs(Access::kRead, path, options);
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenAs(Access access, const std::string& path,
                                                           const DatabaseOptions& options) {
  // The first takes a log without any fault, the second one that ends within a record, the third
  // whatever comes before the first fault: never anything behind it.
  constexpr std::array<std::pair<rocksdb::WALRecoveryMode, LogState>, 3> kAttempts = {{
      {rocksdb::WALRecoveryMode::kAbsoluteConsistency, LogState::kWhole},
      {rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords, LogState::kUnfinishedEnd},
      {rocksdb::WALRecoveryMode::kPointInTimeRecovery, LogState::kDamaged},
  }};
  std::unique_ptr<Database> database(new Database);
  rocksdb::Status opened;
  for (const auto& [mode, state] : kAttempts) {
    database->log_problem_ = ToAbsl(opened);  // of the attempt before
    database->log_state_ = state;
    Leftovers leftovers(path, options.env);
    opened = database->TryOpen(access, mode, path, options);
    if (opened.ok()) return database;
    if (access == Access::kWrite) leftovers.Remove();
    if (!opened.IsCorruption()) break;
  }
  return OpeningError(path, opened);
}

rocksdb::Status Database::TryOpen(Access access, rocksdb::WALRecoveryMode mode,
                                  const std::string& path, const DatabaseOptions& given) {
  rocksdb::DBOptions options = DatabaseSettings(given);
  options.create_if_missing = access == Access::kCreate;
  options.create_missing_column_families = access == Access::kCreate;
  options.wal_recovery_mode = mode;
  errors_ = std::make_shared<BackgroundErrors>();
  options.listeners.push_back(errors_);
  log_order_ = std::make_unique<LogOrder>();
  options.wal_filter = log_order_.get();
  rocksdb::DB* db = nullptr;
  const auto families = FamilySettings(given);
  const rocksdb::Status opened =
      access == Access::kRead
          ? rocksdb::DB::OpenForReadOnly(options, path, families, &families_, &db)
          : rocksdb::DB::Open(options, path, families, &families_, &db);
  if (opened.ok()) db_.reset(db);
  return opened;
}

}  // namespace fleetqshape
