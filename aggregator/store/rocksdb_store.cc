#include "aggregator/store/rocksdb_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/store/section_merge_operator.h"
#include "common/base/status_macros.h"
#include "common/codec/section_codec.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

constexpr char kFormatKey[] = "format";
constexpr char kFormatVersion[] = "1";

// The column families, in the order of their handles.
enum Family : size_t { kMeta, kRelays, kNames, kShapes, kFamilyCount };
const std::array<std::string, kFamilyCount> kFamilyNames = {rocksdb::kDefaultColumnFamilyName,
                                                            "relays", "names", "shapes"};

void AppendBigEndian(uint32_t number, std::string* key) {
  for (int shift = 24; shift >= 0; shift -= 8) key->push_back(static_cast<char>(number >> shift));
}

uint32_t BigEndian(std::string_view key) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number = (number << 8) | static_cast<unsigned char>(key[i]);
  return number;
}

std::string RelayKey(RelayId relay) {
  std::string key;
  AppendBigEndian(relay, &key);
  return key;
}

std::string NamesKey(RelayId relay, uint32_t first_name_id) {
  std::string key = RelayKey(relay);
  AppendBigEndian(first_name_id, &key);
  return key;
}

std::string ShapeKey(RelayId relay, Queue queue, Axis axis) {
  std::string key = RelayKey(relay);
  key.push_back(static_cast<char>(queue));
  key.push_back(static_cast<char>(axis));
  return key;
}

absl::Status ToAbsl(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(status.ToString());
  return absl::UnavailableError(status.ToString());
}

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

class RocksDbStore final : public Store {
 public:
  RocksDbStore(std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle*> families)
      : db_(std::move(db)), families_(std::move(families)) {}

  ~RocksDbStore() override {
    for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  }

  absl::Status CheckFormat() {
    std::string version;
    const rocksdb::Status found =
        db_->Get(rocksdb::ReadOptions(), families_[kMeta], kFormatKey, &version);
    if (found.IsNotFound()) {
      rocksdb::WriteOptions synced;
      synced.sync = true;
      return ToAbsl(db_->Put(synced, families_[kMeta], kFormatKey, kFormatVersion));
    }
    FQS_RETURN_IF_ERROR(ToAbsl(found));
    if (version != kFormatVersion) {
      return absl::FailedPreconditionError(
          absl::StrCat("the store has format ", version, ", this program reads ", kFormatVersion,
                       "; use the program that wrote it, or another data directory"));
    }
    return absl::OkStatus();
  }

  absl::Status Apply(const std::vector<RelayWrite>& writes) override {
    rocksdb::WriteBatch batch;
    for (const RelayWrite& write : writes) FQS_RETURN_IF_ERROR(ToAbsl(Append(write, &batch)));
    rocksdb::WriteOptions synced;
    synced.sync = true;
    return ToAbsl(db_->Write(synced, &batch));
  }

  absl::Status Recover() override { return absl::UnimplementedError("not yet"); }

  absl::Status Load(Wanted wanted, Visit visit) override {
    const std::unique_ptr<rocksdb::Iterator> relays(
        db_->NewIterator(rocksdb::ReadOptions(), families_[kRelays]));
    for (relays->SeekToFirst(); relays->Valid(); relays->Next()) {
      LoadedRelay loaded;
      loaded.relay = BigEndian(relays->key().ToStringView());
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
  rocksdb::Status Append(const RelayWrite& write, rocksdb::WriteBatch* batch) {
    rocksdb::Status status =
        batch->Put(families_[kRelays], RelayKey(write.relay), write.record.SerializeAsString());
    if (status.ok() && write.forget_names) {
      // The end is exclusive: one more than the last key a relay can have.
      std::string end = NamesKey(write.relay, std::numeric_limits<uint32_t>::max());
      end.push_back('\0');
      status = batch->DeleteRange(families_[kNames], RelayKey(write.relay), end);
    }
    if (status.ok() && write.names.names_size() > 0) {
      status = batch->Put(families_[kNames], NamesKey(write.relay, write.first_name_id),
                          write.names.SerializeAsString());
    }
    for (const SectionWrite& section : write.sections) {
      if (!status.ok()) break;
      const std::string key = ShapeKey(write.relay, section.queue, section.axis);
      switch (section.kind) {
        case SectionWrite::Kind::kMerge:
          status = batch->Merge(families_[kShapes], key, section.value);
          break;
        case SectionWrite::Kind::kReplace:
          status = batch->Put(families_[kShapes], key, section.value);
          break;
        case SectionWrite::Kind::kErase:
          status = batch->Delete(families_[kShapes], key);
          break;
      }
    }
    return status;
  }

  // Calls `visit` with each value of the family whose key starts with the relay's.
  template <typename Visit>
  absl::Status ForEachOfRelay(Family family, RelayId relay, Visit visit) {
    const std::string prefix = RelayKey(relay);
    const std::unique_ptr<rocksdb::Iterator> entries(
        db_->NewIterator(rocksdb::ReadOptions(), families_[family]));
    for (entries->Seek(prefix); entries->Valid() && entries->key().starts_with(prefix);
         entries->Next()) {
      FQS_RETURN_IF_ERROR(visit(entries->key(), entries->value()));
    }
    return ToAbsl(entries->status());
  }

  absl::Status LoadNames(LoadedRelay* loaded) {
    return ForEachOfRelay(
        kNames, loaded->relay, [&](const rocksdb::Slice& key, const rocksdb::Slice& value) {
          v1::StoredNames names;
          if (key.size() != 8 ||
              !names.ParseFromArray(value.data(), static_cast<int>(value.size())) ||
              BigEndian(key.ToStringView().substr(4)) != loaded->names.size()) {
            return absl::DataLossError("its names have a gap or don't parse");
          }
          for (std::string& name : *names.mutable_names()) {
            loaded->names.push_back(std::move(name));
          }
          return absl::OkStatus();
        });
  }

  absl::Status LoadSections(LoadedRelay* loaded) {
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

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStore(const std::string& directory) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // The write-ahead log is read at the start: bound it.
  options.max_total_wal_size = uint64_t{64} << 20;
  options.info_log = std::make_shared<LogToSpdlog>();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : kFamilyNames) {
    rocksdb::ColumnFamilyOptions family;
    family.compression = rocksdb::kLZ4Compression;
    descriptors.emplace_back(name, family);
  }
  descriptors[kShapes].options.merge_operator = std::make_shared<SectionMergeOperator>();

  // The domains that a fleet's users write to are nobody else's business.
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::UnavailableError(
        absl::StrCat("cannot make ", directory, ": ", std::strerror(errno)));
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  const rocksdb::Status opened = rocksdb::DB::Open(options, directory, descriptors, &families, &db);
  if (!opened.ok()) {
    if (opened.IsIOError() && opened.ToString().find("/LOCK: ") != std::string::npos) {
      return absl::FailedPreconditionError(
          absl::StrCat(directory, " is in use by another process: ", opened.ToString()));
    }
    return absl::UnavailableError(absl::StrCat(directory, ": ", opened.ToString()));
  }
  auto store =
      std::make_unique<RocksDbStore>(std::unique_ptr<rocksdb::DB>(db), std::move(families));
  FQS_RETURN_IF_ERROR(store->CheckFormat());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace fleetqshape
