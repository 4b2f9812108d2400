// RocksDB without the store around it, to look at what the store wrote, and to damage it.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_STORE_RAW_STORE_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_STORE_RAW_STORE_H_

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "aggregator/store/section_merge_operator.h"
#include "aggregator/store/section_value.h"
#include "common/shape/queue.h"

namespace fleetqshape::test {

// The directory must not be open elsewhere. Families are named as docs/store.md names them.
class RawStore {
 public:
  explicit RawStore(const std::string& directory) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const char* name : {"default", "relays", "names", "shapes"}) {
      descriptors.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    descriptors.back().options.merge_operator = std::make_shared<SectionMergeOperator>();
    descriptors.back().options.compaction_filter = &filter_;
    rocksdb::DB* db = nullptr;
    const auto opened = rocksdb::DB::Open(options, directory, descriptors, &handles_, &db);
    // GoogleTest makes a failure of it, as there is nothing to go on with.
    if (!opened.ok()) throw std::runtime_error(opened.ToString());
    db_.reset(db);
  }
  ~RawStore() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  }
  RawStore(const RawStore&) = delete;
  RawStore& operator=(const RawStore&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* family(const std::string& name) {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      if (handle->GetName() == name) return handle;
    }
    ADD_FAILURE() << "no family " << name;
    return nullptr;
  }
  void Merge(const std::string& name, const std::string& key, const std::string& value) {
    const auto status = db_->Merge(rocksdb::WriteOptions(), family(name), key, value);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  void Put(const std::string& name, const std::string& key, const std::string& value) {
    const auto status = db_->Put(rocksdb::WriteOptions(), family(name), key, value);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  // All keys and values of a family.
  std::map<std::string, std::string> All(const std::string& name) {
    std::map<std::string, std::string> all;
    const std::unique_ptr<rocksdb::Iterator> entry(
        db_->NewIterator(rocksdb::ReadOptions(), family(name)));
    for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
      all[entry->key().ToString()] = entry->value().ToString();
    }
    EXPECT_TRUE(entry->status().ok()) << entry->status().ToString();
    return all;
  }

 private:
  const EmptySectionFilter filter_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// The keys of docs/store.md.
inline std::string RelayKey(uint32_t relay) {
  std::string key;
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(relay >> shift));
  return key;
}
inline std::string NamesKey(uint32_t relay, uint32_t first_name_id) {
  return RelayKey(relay) + RelayKey(first_name_id);
}
inline std::string ShapeKey(uint32_t relay, Queue queue, Axis axis) {
  return RelayKey(relay) + static_cast<char>(queue) + static_cast<char>(axis);
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_STORE_RAW_STORE_H_
