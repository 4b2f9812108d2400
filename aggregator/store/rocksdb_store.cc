#include "aggregator/store/rocksdb_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/status.h>
#include <rocksdb/write_batch.h>

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/store/database.h"
#include "aggregator/store/rebuild.h"
#include "aggregator/store/relay_check.h"
#include "aggregator/store/relay_reader.h"
#include "aggregator/store/salvage.h"
#include "aggregator/store/store_directory.h"
#include "aggregator/store/store_keys.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

class RocksDbStore final : public Store {
 public:
  RocksDbStore(std::unique_ptr<StoreDirectory> directory, const DatabaseOptions& options)
      : directory_(std::move(directory)), options_(options) {}

  // Before all else.
  absl::Status Open() {
    MutexLock lock(mutex_);
    return OpenDatabase();
  }

  absl::Status Apply(const std::vector<RelayWrite>& writes) override {
    MutexLock lock(mutex_);
    FQS_RETURN_IF_ERROR(CheckUsable());
    rocksdb::WriteBatch batch;
    rocksdb::Status status;
    for (const RelayWrite& write : writes) {
      if (status.ok()) status = Append(write, &batch);
    }
    if (status.ok() && batch.Count() > 0) status = database_->db().Write(Synced(), &batch);
    if (!status.ok()) Fail(status);
    return failure_;
  }

  absl::Status Recover() override {
    MutexLock lock(mutex_);
    if (CheckUsable().ok()) return absl::OkStatus();
    // RocksDB itself would go on after some errors only, and then in the log that may have a part
    // of a record at its end. What is opened anew has read all that is there, and begins a new log.
    database_.reset();
    return OpenDatabase();
  }

  absl::Status Load(Wanted wanted, Visit visit) override {
    MutexLock lock(mutex_);
    // After an error of RocksDB's own writing, what there is can still be read.
    FQS_RETURN_IF_ERROR(failure_);
    std::set<RelayId> told;
    const absl::Status trouble = VisitRelays(wanted, visit, &told);
    if (!absl::IsDataLoss(trouble)) return trouble;
    // What was visited stays true. If this fails, the store has failed.
    Suspect(std::string(trouble.message()));
    failure_ = Rebuild(told);
    return absl::OkStatus();
  }

 private:
  // OK, or the error that the store failed with. RocksDB's own writes fail it, too.
  absl::Status CheckUsable() FQS_REQUIRES(mutex_) {
    if (failure_.ok() && !database_->first_error().ok()) Fail(database_->first_error());
    return failure_;
  }

  void Fail(const rocksdb::Status& status) FQS_REQUIRES(mutex_) {
    if (status.IsCorruption()) Suspect(status.ToString());
    failure_ = ToAbsl(status);
    if (!absl::IsResourceExhausted(failure_)) {
      failure_ = absl::UnavailableError(failure_.message());
    }
  }

  // What RocksDB could not read. `told` becomes the relays that were visited with a problem.
  absl::Status VisitRelays(Wanted wanted, Visit visit, std::set<RelayId>* told)
      FQS_REQUIRES(mutex_) {
    RelayReader reader(database_.get());
    LoadedRelay loaded;
    absl::Status problem;
    while (reader.Next(wanted, &loaded, &problem)) {
      const absl::Status trouble = reader.trouble();
      if (!trouble.ok() && !absl::IsDataLoss(trouble)) return trouble;
      if (problem.ok() && IsLostRelay(loaded.record)) {
        problem = absl::DataLossError("it was damaged before, and its agent has sent no snapshot");
      }
      if (!problem.ok()) told->insert(loaded.relay);
      visit(std::move(loaded), std::move(problem));
    }
    return reader.trouble();
  }

  // Makes the store usable, or fails it.
  absl::Status OpenDatabase() FQS_REQUIRES(mutex_) {
    failure_ = TryOpenDatabase();
    if (!failure_.ok()) database_.reset();
    return failure_;
  }

  absl::Status TryOpenDatabase() FQS_REQUIRES(mutex_) {
    FQS_RETURN_IF_ERROR(directory_->FinishReplacement());
    FQS_ASSIGN_OR_RETURN(const bool there, directory_->HasDatabase());
    if (!there) FQS_RETURN_IF_ERROR(ReplaceByEmpty());
    auto opened = Database::Open(directory_->database(), options_);
    if (absl::IsDataLoss(opened.status())) {
      Suspect(std::string(opened.status().message()));
      opened = OpenSalvaged();
    }
    FQS_RETURN_IF_ERROR(opened.status());
    database_ = *std::move(opened);
    TellOfLog();
    const absl::Status format = CheckFormat();
    if (absl::IsDataLoss(format)) {
      Suspect(std::string(format.message()));
    } else {
      FQS_RETURN_IF_ERROR(format);
    }
    return suspect_ ? Rebuild({}) : absl::OkStatus();
  }

  // RocksDB's files are known to be damaged: they don't stay in use.
  void Suspect(const std::string& why) FQS_REQUIRES(mutex_) {
    if (!suspect_) spdlog::error("{}: the database is damaged: {}", directory_->path(), why);
    suspect_ = true;
  }

  // In place of a database that can't be opened, one that knows who its relays were.
  absl::StatusOr<std::unique_ptr<Database>> OpenSalvaged() FQS_REQUIRES(mutex_) {
    const auto records = SalvageRecords(directory_->database(), options_);
    spdlog::error(
        "{}: the database can't be opened: it is put aside as {}; {} relays are known by name, and "
        "their agents will be asked for snapshots",
        directory_->path(), directory_->damaged_database(), records.size());
    FQS_RETURN_IF_ERROR(directory_->PrepareNew());
    FQS_ASSIGN_OR_RETURN(auto fresh, Database::Create(directory_->new_database(), options_));
    FQS_RETURN_IF_ERROR(WriteLostRelays(records, fresh.get()));
    fresh.reset();
    FQS_RETURN_IF_ERROR(directory_->ReplaceByNew());
    suspect_ = false;
    return Database::Open(directory_->database(), options_);
  }

  // Puts a new database with all that is sound into the place of the one that is open.
  absl::Status Rebuild(const std::set<RelayId>& told) FQS_REQUIRES(mutex_) {
    absl::Status status = TryRebuild(told);
    if (status.ok()) {
      auto opened = Database::Open(directory_->database(), options_);
      status = opened.status();
      if (status.ok()) database_ = *std::move(opened);
    }
    if (status.ok()) return status;
    spdlog::error("{}: the store can't be written anew: {}", directory_->path(),
                  std::string(status.message()));
    database_.reset();
    directory_->DropNew().IgnoreError();  // its room may be what is missing
    return absl::IsResourceExhausted(status) ? status : absl::UnavailableError(status.message());
  }

  absl::Status TryRebuild(const std::set<RelayId>& told) FQS_REQUIRES(mutex_) {
    FQS_RETURN_IF_ERROR(directory_->PrepareNew());
    FQS_ASSIGN_OR_RETURN(auto fresh, Database::Create(directory_->new_database(), options_));
    FQS_RETURN_IF_ERROR(CopyWhatIsSound(database_.get(), fresh.get(), told));
    fresh.reset();
    database_.reset();
    FQS_RETURN_IF_ERROR(directory_->ReplaceByNew());
    suspect_ = false;
    return absl::OkStatus();
  }

  absl::Status ReplaceByEmpty() FQS_REQUIRES(mutex_) {
    FQS_RETURN_IF_ERROR(directory_->PrepareNew());
    FQS_ASSIGN_OR_RETURN(auto empty, Database::Create(directory_->new_database(), options_));
    FQS_RETURN_IF_ERROR(WriteFormat(empty.get()));
    empty.reset();
    return directory_->ReplaceByNew();
  }

  void TellOfLog() FQS_REQUIRES(mutex_) {
    const std::string problem(database_->log_problem().message());
    switch (database_->log_state()) {
      case LogState::kWhole:
        break;
      case LogState::kUnfinishedEnd:
        spdlog::warn(
            "{}: the log ends within a record ({}), which was being written when the disk failed "
            "or the machine stopped: it is left out",
            directory_->path(), problem);
        break;
      case LogState::kDamaged:
        spdlog::error(
            "{}: the log is damaged ({}): the reports behind that place are gone; their agents "
            "will be asked for snapshots",
            directory_->path(), problem);
        break;
    }
  }

  absl::Status CheckFormat() FQS_REQUIRES(mutex_) {
    std::string version;
    const rocksdb::Status found =
        database_->db().Get(rocksdb::ReadOptions(), database_->family(kMeta), kFormatKey, &version);
    if (found.IsNotFound()) return absl::DataLossError("its format version is missing");
    FQS_RETURN_IF_ERROR(ToAbsl(found));
    if (version == kFormatVersion) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("the store has format ", version, ", this program reads ", kFormatVersion,
                     "; use the program that wrote it, or another data directory"));
  }

  rocksdb::Status Append(const RelayWrite& write, rocksdb::WriteBatch* batch) FQS_REQUIRES(mutex_) {
    if (write.forget) return AppendEnd(write.relay, batch);
    rocksdb::Status status = batch->Put(database_->family(kRelays), RelayKey(write.relay),
                                        write.record.SerializeAsString());
    if (status.ok() && write.forget_names) {
      status = batch->DeleteRange(database_->family(kNames), RelayKey(write.relay),
                                  EndOfRelay(write.relay));
    }
    if (status.ok() && write.names.names_size() > 0) {
      status = batch->Put(database_->family(kNames), NamesKey(write.relay, write.first_name_id),
                          write.names.SerializeAsString());
    }
    for (const SectionWrite& section : write.sections) {
      if (!status.ok()) break;
      const std::string key = ShapeKey(write.relay, section.queue, section.axis);
      switch (section.kind) {
        case SectionWrite::Kind::kMerge:
          status = batch->Merge(database_->family(kShapes), key, section.value);
          break;
        case SectionWrite::Kind::kReplace:
          status = batch->Put(database_->family(kShapes), key, section.value);
          break;
        case SectionWrite::Kind::kErase:
          status = batch->Delete(database_->family(kShapes), key);
          break;
      }
    }
    return status;
  }

  rocksdb::Status AppendEnd(RelayId relay, rocksdb::WriteBatch* batch) FQS_REQUIRES(mutex_) {
    rocksdb::Status status = batch->Delete(database_->family(kRelays), RelayKey(relay));
    for (const Family family : {kNames, kShapes}) {
      if (!status.ok()) break;
      status = batch->DeleteRange(database_->family(family), RelayKey(relay), EndOfRelay(relay));
    }
    return status;
  }

  Mutex mutex_;
  const std::unique_ptr<StoreDirectory> directory_ FQS_GUARDED_BY(mutex_);
  const DatabaseOptions options_;
  // Null only while failure_ is an error.
  std::unique_ptr<Database> database_ FQS_GUARDED_BY(mutex_);
  absl::Status failure_ FQS_GUARDED_BY(mutex_);
  // RocksDB said that the files are damaged, and they are still in use.
  bool suspect_ FQS_GUARDED_BY(mutex_) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStore(const std::string& directory,
                                                        const RocksDbStoreOptions& options) {
  rocksdb::Env* const env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  FQS_ASSIGN_OR_RETURN(auto taken, StoreDirectory::Take(directory, env));
  auto store = std::make_unique<RocksDbStore>(
      std::move(taken), DatabaseOptions{.env = env,
                                        .write_buffer_bytes = options.write_buffer_bytes,
                                        .max_log_bytes = options.max_log_bytes});
  FQS_RETURN_IF_ERROR(store->Open());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace fleetqshape
