#include "aggregator/store/salvage.h"

#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table_properties.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "aggregator/store/store_keys.h"

namespace fleetqshape {
namespace {

constexpr char kTableEnding[] = ".sst";

// By number: RocksDB numbers its files in the order in which it makes them.
std::vector<uint64_t> TableNumbers(const std::string& path, rocksdb::Env* env) {
  std::vector<std::string> files;
  std::vector<uint64_t> numbers;
  if (!env->GetChildren(path, &files).ok()) return numbers;
  for (const std::string& file : files) {
    uint64_t number = 0;
    if (absl::EndsWith(file, kTableEnding) &&
        absl::SimpleAtoi(file.substr(0, file.size() - (sizeof kTableEnding - 1)), &number)) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void ReadRecords(const std::string& file, const rocksdb::Options& options,
                 std::map<RelayId, v1::StoredRelay>* records) {
  rocksdb::SstFileReader reader(options);
  if (!reader.Open(file).ok() ||
      reader.GetTableProperties()->column_family_name != kFamilyNames[kRelays]) {
    return;
  }
  rocksdb::ReadOptions checked;
  checked.verify_checksums = true;
  const std::unique_ptr<rocksdb::Iterator> entries(reader.NewIterator(checked));
  // A block that can't be read ends it.
  for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
    v1::StoredRelay record;
    const rocksdb::Slice value = entries->value();
    const auto relay = ParseRelayKey(entries->key().ToStringView());
    if (relay && record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      (*records)[*relay] = std::move(record);
    }
  }
}

}  // namespace

std::map<RelayId, v1::StoredRelay> SalvageRecords(const std::string& path,
                                                  const DatabaseOptions& options) {
  rocksdb::Options reading;
  reading.env = options.env;
  std::map<RelayId, v1::StoredRelay> records;
  for (const uint64_t number : TableNumbers(path, options.env)) {
    std::string name = absl::StrCat(number);
    name.insert(0, name.size() < 6 ? 6 - name.size() : 0, '0');
    ReadRecords(absl::StrCat(path, "/", name, kTableEnding), reading, &records);
  }
  return records;
}

}  // namespace fleetqshape
