#include "tests/simulation/simulated_database.h"

#include <rocksdb/env.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <cstdarg>

namespace fleetqshape::test {
namespace {

constexpr char kLastKey[] = "last";
enum Family : size_t { kLast, kPuts, kMerged, kFamilyCount };
const char* const kNames[] = {"default", "puts", "merged"};

// Appends.
class AppendOperator final : public rocksdb::AssociativeMergeOperator {
 public:
  bool Merge(const rocksdb::Slice& /*key*/, const rocksdb::Slice* existing,
             const rocksdb::Slice& value, std::string* merged,
             rocksdb::Logger* /*logger*/) const override {
    if (existing != nullptr) *merged = existing->ToString();
    merged->append(value.data(), value.size());
    return true;
  }
  const char* Name() const override { return "AppendOperator"; }
};

class NoLogger final : public rocksdb::Logger {
 public:
  NoLogger() : rocksdb::Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

std::string PutKey(int batch) { return "key" + std::to_string(batch % 7); }

// Of many lengths, so that records of the log begin and end anywhere in a sector and a block.
std::string PutValue(int batch) {
  return std::to_string(batch) + std::string(batch * 379 % 2111, 'v');
}

}  // namespace

rocksdb::Status SimulatedDatabase::Open() {
  rocksdb::DBOptions options;
  disk_->MakeSimulable(&options);
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.wal_recovery_mode = settings_.recovery;
  options.info_log = std::make_shared<NoLogger>();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  const std::shared_ptr<rocksdb::TableFactory> tables(rocksdb::NewBlockBasedTableFactory());
  for (const char* name : kNames) {
    rocksdb::ColumnFamilyOptions family;
    family.table_factory = tables;
    family.write_buffer_size = settings_.write_buffer_bytes;
    family.level0_file_num_compaction_trigger = 2;
    family.merge_operator = std::make_shared<AppendOperator>();
    descriptors.emplace_back(name, family);
  }
  rocksdb::DB* db = nullptr;
  rocksdb::Status opened = rocksdb::DB::Open(
      options, std::string(SimulatedDisk::kDirectory) + "/db", descriptors, &families_, &db);
  db_.reset(db);
  return opened;
}

void SimulatedDatabase::Close() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  families_.clear();
  db_.reset();
}

rocksdb::Status SimulatedDatabase::Write(int batch) {
  rocksdb::WriteBatch writes;
  writes.Put(families_[kLast], kLastKey, std::to_string(batch));
  writes.Put(families_[kPuts], PutKey(batch), PutValue(batch));
  writes.Delete(families_[kPuts], PutKey(batch + 1));
  writes.Merge(families_[kMerged], "all", std::to_string(batch) + ",");
  if (batch % 10 == 0) writes.DeleteRange(families_[kPuts], "key0", "key3");
  rocksdb::WriteOptions options;
  options.sync = settings_.sync;
  return db_->Write(options, &writes);
}

rocksdb::Status SimulatedDatabase::Flush() {
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  return db_->Flush(options, families_);
}

rocksdb::Status SimulatedDatabase::FlushAndCompact() {
  rocksdb::Status status = db_->Flush(rocksdb::FlushOptions(), families_);
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    if (!status.ok()) break;
    status = db_->CompactRange(rocksdb::CompactRangeOptions(), family, nullptr, nullptr);
  }
  return status;
}

rocksdb::Status SimulatedDatabase::Read(Contents* contents) const {
  contents->assign(kFamilyCount, {});
  for (size_t family = 0; family < kFamilyCount; ++family) {
    const std::unique_ptr<rocksdb::Iterator> entries(
        db_->NewIterator(rocksdb::ReadOptions(), families_[family]));
    for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
      (*contents)[family][entries->key().ToString()] = entries->value().ToString();
    }
    if (!entries->status().ok()) return entries->status();
  }
  return rocksdb::Status::OK();
}

SimulatedDatabase::Contents SimulatedDatabase::Expected(int batch) {
  Contents contents(kFamilyCount);
  for (int each = 1; each <= batch; ++each) {
    contents[kLast][kLastKey] = std::to_string(each);
    auto& puts = contents[kPuts];
    puts[PutKey(each)] = PutValue(each);
    puts.erase(PutKey(each + 1));
    contents[kMerged]["all"] += std::to_string(each) + ",";
    if (each % 10 == 0) puts.erase(puts.lower_bound("key0"), puts.lower_bound("key3"));
  }
  return contents;
}

int SimulatedDatabase::LastBatch(const Contents& contents) {
  const auto found = contents[kLast].find(kLastKey);
  return found == contents[kLast].end() ? 0 : std::stoi(found->second);
}

}  // namespace fleetqshape::test
