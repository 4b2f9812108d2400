#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "aggregator/store/database.h"
#include "aggregator/store/rocksdb_store.h"
#include "aggregator/store/store_keys.h"
#include "common/codec/section_codec.h"
#include "fleetqshape/v1/report.pb.h"
#include "fleetqshape/v1/store.pb.h"
#include "tests/bench/report_sinks.h"

namespace fleetqshape {
namespace {

void Require(const rocksdb::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "ingest_benchmark: %s\n", status.ToString().c_str());
  std::exit(1);
}

class AloneSink final : public RocksDbSink {
 public:
  AloneSink(const std::string& directory, WriteKind kind) : kind_(kind) {
    const RocksDbStoreOptions defaults;
    const DatabaseOptions of_store{.env = rocksdb::Env::Default(),
                                   .write_buffer_bytes = defaults.write_buffer_bytes,
                                   .max_log_bytes = defaults.max_log_bytes};
    rocksdb::DBOptions options = DatabaseSettings(of_store);
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = FamilySettings(of_store);
    if (kind == WriteKind::kPut) descriptors[kShapes].options.merge_operator = nullptr;
    rocksdb::DB* db = nullptr;
    Require(rocksdb::DB::Open(options, directory, descriptors, &families_, &db));
    db_.reset(db);
  }

  ~AloneSink() override {
    for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  }

  void SetBatchReports(size_t reports) override { batch_reports_ = reports; }

  void Prepare(const Reports& reports) override {
    size_t rounds = 0;
    for (const auto& of_relay : reports) rounds = std::max(rounds, of_relay.size());
    for (size_t n = 0; n < rounds; ++n) {
      for (size_t relay = 0; relay < reports.size(); ++relay) {
        if (n < reports[relay].size()) {
          prepared_.push_back(EntriesOf(static_cast<uint32_t>(relay), reports[relay][n]));
        }
      }
    }
  }

  void Take(const Reports& /*reports*/) override {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    for (size_t begin = 0; begin < prepared_.size(); begin += batch_reports_) {
      rocksdb::WriteBatch batch;
      const size_t end = std::min(begin + batch_reports_, prepared_.size());
      for (size_t i = begin; i < end; ++i) {
        for (const Entry& entry : prepared_[i]) {
          Require(entry.is_operand ? batch.Merge(families_[entry.family], entry.key, entry.value)
                                   : batch.Put(families_[entry.family], entry.key, entry.value));
        }
      }
      Require(db_->Write(synced, &batch));
      ++batches_;
    }
    prepared_.clear();
  }

  uint64_t batches() const override { return batches_; }
  uint64_t changes() const override { return 0; }

 private:
  struct Entry {
    Family family;
    bool is_operand;
    std::string key;
    std::string value;
  };

  std::vector<Entry> EntriesOf(uint32_t relay, const std::string& bytes) const {
    v1::PackedReport report;
    if (!report.ParseFromString(bytes)) std::abort();  // they were made by this program
    std::vector<Entry> entries;
    if (report.names_size() > 0) {
      v1::StoredNames names;
      *names.mutable_names() = report.names();
      entries.push_back(
          {kNames, false, NamesKey(relay, report.first_name_id()), names.SerializeAsString()});
    }
    for (std::string& bytes : *report.mutable_sections()) {
      const auto section = DecodeSection(bytes);
      if (!section.ok()) std::abort();
      entries.push_back({kShapes, kind_ == WriteKind::kMerge && report.sequence() > 1,
                         ShapeKey(relay, section->queue, section->axis), std::move(bytes)});
    }
    return entries;
  }

  const WriteKind kind_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  size_t batch_reports_ = 1;
  std::vector<std::vector<Entry>> prepared_;  // by report
  uint64_t batches_ = 0;
};

}  // namespace

std::unique_ptr<RocksDbSink> MakeRocksDbSink(const std::string& directory, WriteKind kind) {
  return std::make_unique<AloneSink>(directory, kind);
}

}  // namespace fleetqshape
