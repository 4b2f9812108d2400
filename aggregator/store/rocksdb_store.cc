#include "aggregator/store/rocksdb_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/store/database.h"
#include "aggregator/store/store_directory.h"
#include "aggregator/store/store_keys.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/codec/section_codec.h"
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
    const std::unique_ptr<rocksdb::Iterator> relays(NewIterator(kRelays));
    for (relays->SeekToFirst(); relays->Valid(); relays->Next()) {
      LoadedRelay loaded;
      loaded.relay = RelayOfKey(relays->key().ToStringView());
      if (!loaded.record.ParseFromArray(relays->value().data(),
                                        static_cast<int>(relays->value().size()))) {
        visit(std::move(loaded), absl::DataLossError("its record does not parse"));
        continue;
      }
      if (!wanted(loaded.relay, loaded.record)) continue;
      absl::Status problem = LoadNames(&loaded);
      problem.Update(LoadSections(&loaded));
      visit(std::move(loaded), std::move(problem));
    }
    return ToAbsl(relays->status());
  }

 private:
  // OK, or the error that the store failed with. RocksDB's own writes fail it, too.
  absl::Status CheckUsable() FQS_REQUIRES(mutex_) {
    if (failure_.ok() && !database_->first_error().ok()) Fail(database_->first_error());
    return failure_;
  }

  void Fail(const rocksdb::Status& status) FQS_REQUIRES(mutex_) {
    failure_ = ToAbsl(status);
    if (!absl::IsResourceExhausted(failure_)) {
      failure_ = absl::UnavailableError(failure_.message());
    }
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
    if (!there) FQS_RETURN_IF_ERROR(MakeEmpty());
    auto opened = Database::Open(directory_->database(), options_);
    if (absl::IsDataLoss(opened.status())) {
      return absl::UnavailableError(opened.status().message());
    }
    FQS_RETURN_IF_ERROR(opened.status());
    database_ = *std::move(opened);
    TellOfLog();
    return CheckFormat();
  }

  absl::Status MakeEmpty() FQS_REQUIRES(mutex_) {
    FQS_RETURN_IF_ERROR(directory_->PrepareNew());
    FQS_ASSIGN_OR_RETURN(auto empty, Database::Create(directory_->new_database(), options_));
    FQS_RETURN_IF_ERROR(
        ToAbsl(empty->db().Put(Synced(), empty->family(kMeta), kFormatKey, kFormatVersion)));
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
    FQS_RETURN_IF_ERROR(ToAbsl(found));
    if (version == kFormatVersion) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("the store has format ", version, ", this program reads ", kFormatVersion,
                     "; use the program that wrote it, or another data directory"));
  }

  rocksdb::Iterator* NewIterator(Family family) FQS_REQUIRES(mutex_) {
    return database_->db().NewIterator(rocksdb::ReadOptions(), database_->family(family));
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

  // Calls `visit` with each value of the family whose key starts with the relay's.
  template <typename Visit>
  absl::Status ForEachOfRelay(Family family, RelayId relay, Visit visit) FQS_REQUIRES(mutex_) {
    const std::string prefix = RelayKey(relay);
    const std::unique_ptr<rocksdb::Iterator> entries(NewIterator(family));
    for (entries->Seek(prefix); entries->Valid() && entries->key().starts_with(prefix);
         entries->Next()) {
      FQS_RETURN_IF_ERROR(visit(entries->key(), entries->value()));
    }
    return ToAbsl(entries->status());
  }

  absl::Status LoadNames(LoadedRelay* loaded) FQS_REQUIRES(mutex_) {
    return ForEachOfRelay(
        kNames, loaded->relay, [&](const rocksdb::Slice& key, const rocksdb::Slice& value) {
          v1::StoredNames names;
          const auto place = ParseNamesKey(key.ToStringView());
          if (!place || place->first_name_id != loaded->names.size() ||
              !names.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
            return absl::DataLossError("its names have a gap or don't parse");
          }
          for (std::string& name : *names.mutable_names()) {
            loaded->names.push_back(std::move(name));
          }
          return absl::OkStatus();
        });
  }

  absl::Status LoadSections(LoadedRelay* loaded) FQS_REQUIRES(mutex_) {
    return ForEachOfRelay(
        kShapes, loaded->relay,
        [&](const rocksdb::Slice& /*key*/, const rocksdb::Slice& value) -> absl::Status {
          v1::Section section;
          if (!section.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
            return absl::DataLossError("a section does not parse");
          }
          FQS_ASSIGN_OR_RETURN(const Queue queue, SectionQueue(section));
          FQS_ASSIGN_OR_RETURN(const Axis axis, SectionAxis(section));
          FQS_ASSIGN_OR_RETURN(Block block, DecodeState(section));
          loaded->sections.push_back({queue, axis, std::move(block)});
          return absl::OkStatus();
        });
  }

  Mutex mutex_;
  const std::unique_ptr<StoreDirectory> directory_ FQS_GUARDED_BY(mutex_);
  const DatabaseOptions options_;
  // Null only while failure_ is an error.
  std::unique_ptr<Database> database_ FQS_GUARDED_BY(mutex_);
  absl::Status failure_ FQS_GUARDED_BY(mutex_);
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
