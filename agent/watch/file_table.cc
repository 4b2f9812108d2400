#include "agent/watch/file_table.h"

#include <xxhash.h>

#include <random>

namespace fleetqshape {
namespace {

// Below this many records a table is never worth compacting.
constexpr uint32_t kSmallTable = 4096;

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace

static_assert(sizeof(FileRecord) == 48);

FileTable::FileTable() : seed_(RandomSeed()), first_of_name_(MakeIndex()) {}

uint64_t FileTable::HashOf(std::string_view name) const {
  return XXH3_64bits_withSeed(name.data(), name.size(), seed_);
}

uint32_t FileTable::FindAnywhere(uint64_t name_hash) const {
  const auto found = first_of_name_.find(name_hash);
  return found == first_of_name_.end() ? kNone : *found;
}

uint32_t FileTable::Find(DirectoryId directory, uint64_t name_hash) const {
  uint32_t index = FindAnywhere(name_hash);
  while (index != kNone && At(index).directory != directory) index = At(index).next_of_name;
  return index;
}

uint32_t FileTable::Insert(DirectoryId directory, uint64_t name_hash) {
  uint32_t index = free_;
  if (index != kNone) {
    free_ = At(index).next_of_name;
  } else {
    index = end_++;
    if (index / kChunk == chunks_.size()) {
      chunks_.push_back(std::make_unique<FileRecord[]>(kChunk));
    }
  }
  FileRecord& record = At(index);
  record = FileRecord{};
  record.name_hash = name_hash;
  record.directory = directory;
  record.next_of_name = kNone;
  const auto [first, inserted] = first_of_name_.insert(index);
  if (!inserted) {
    record.next_of_name = At(*first).next_of_name;
    At(*first).next_of_name = index;
  }
  ++size_;
  return index;
}

void FileTable::Erase(uint32_t index) {
  FileRecord& record = At(index);
  const auto first = first_of_name_.find(record.name_hash);
  if (*first == index) {
    const uint32_t next = record.next_of_name;
    first_of_name_.erase(first);
    if (next != kNone) first_of_name_.insert(next);
  } else {
    uint32_t before = *first;
    while (At(before).next_of_name != index) before = At(before).next_of_name;
    At(before).next_of_name = record.next_of_name;
  }
  record.directory = kNone;
  record.next_of_name = free_;
  free_ = index;
  --size_;
}

bool FileTable::WorthCompacting() const { return end_ > kSmallTable && size_ < end_ / 4; }

void FileTable::FinishCompacting(uint32_t end) {
  free_ = kNone;
  end_ = end;
  chunks_.resize((end + kChunk - 1) / kChunk);
  chunks_.shrink_to_fit();
  first_of_name_ = MakeIndex();
  first_of_name_.reserve(end);
  for (uint32_t index = 0; index < end; ++index) {
    At(index).next_of_name = kNone;
    const auto [first, inserted] = first_of_name_.insert(index);
    if (inserted) continue;
    At(index).next_of_name = At(*first).next_of_name;
    At(*first).next_of_name = index;
  }
}

}  // namespace fleetqshape
