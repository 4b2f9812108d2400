#include "agent/watch/queue_model.h"

#include <xxhash.h>

#include <algorithm>

#include "common/base/free_memory.h"
#include "common/shape/address.h"
#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

// Below this many ids a table is never worth renewing.
constexpr size_t kSmallNameTable = 4096;

}  // namespace

FileVersion VersionOf(const struct stat& status) {
  const std::array<uint64_t, 4> parts = {static_cast<uint64_t>(status.st_ctim.tv_sec),
                                         static_cast<uint64_t>(status.st_ctim.tv_nsec),
                                         static_cast<uint64_t>(status.st_size), status.st_ino};
  const auto folded = static_cast<FileVersion>(XXH3_64bits(parts.data(), sizeof parts));
  return folded == kUnknownVersion ? 1 : folded;
}

QueueModel::QueueModel(CellObserver observer)
    : observer_(std::move(observer)), names_(std::make_unique<NameTable>()) {}

void QueueModel::Put(Place place, std::string_view name, const FileState& state,
                     const postfix::Envelope* envelope) {
  const uint64_t hash = files_.HashOf(name);
  uint32_t index = files_.Find(place.directory, hash);
  if (index == FileTable::kNone) {
    index = files_.Insert(place.directory, hash);
  } else {
    RemoveMessage(&files_.At(index));
  }
  FileRecord& file = files_.At(index);
  file.queue = place.queue;
  file.pass = pass_;
  file.version = state.version;
  file.kind = state.kind;
  file.force_expired = state.force_expired;
  file.group_readable = state.group_readable;
  const bool may_have_links = file.has_links || state.linked_inode != 0;
  file.has_links = state.linked_inode != 0;
  if (may_have_links && !links_.Set(index, state.linked_inode)) {
    file.kind = FileKind::kLinked;
    file.version = kUnknownVersion;  // it counts when the other names are gone
  }
  if (file.kind == FileKind::kMessage) {
    AddMessage(*envelope, &file);
  } else {
    Count(file, 1);
  }
}

bool QueueModel::Remove(Place place, std::string_view name) {
  const uint32_t index = Find(place, name);
  if (index == FileTable::kNone) return false;
  Erase(index);
  return true;
}

void QueueModel::Erase(uint32_t index) {
  FileRecord& file = files_.At(index);
  RemoveMessage(&file);
  if (file.has_links) links_.Remove(index);
  files_.Erase(index);
}

bool QueueModel::Move(Place from, std::string_view from_name, Place to, std::string_view to_name) {
  const uint32_t index = Find(from, from_name);
  if (index == FileTable::kNone) return false;
  const uint64_t hash = files_.HashOf(to_name);
  const uint32_t replaced = files_.Find(to.directory, hash);
  if (replaced == index) return true;
  if (replaced != FileTable::kNone) Erase(replaced);
  uint32_t moved = index;
  if (hash != files_.At(index).name_hash) {
    moved = files_.Insert(to.directory, hash);
    FileRecord& record = files_.At(moved);
    const uint32_t next = record.next_of_name;
    record = files_.At(index);
    record.name_hash = hash;
    record.next_of_name = next;
    links_.Move(index, moved);
    files_.Erase(index);
  }
  FileRecord& file = files_.At(moved);
  file.directory = to.directory;
  file.version = kUnknownVersion;  // a rename changes the ctime
  file.pass = pass_;
  if (file.queue != to.queue) {
    Count(file, -1);
    file.queue = to.queue;
    Count(file, 1);
  }
  return true;
}

uint64_t QueueModel::EndPass(const std::set<Queue>& listed) {
  const uint64_t before = message_count();
  for (uint32_t index = 0; index < files_.end(); ++index) {
    const FileRecord& file = files_.At(index);
    if (file.directory == FileTable::kNone || file.pass == pass_) continue;
    if (listed.contains(file.queue)) Erase(index);
  }
  return before - message_count();
}

QueueModel::Sight QueueModel::See(Place place, std::string_view name, FileVersion version) {
  const uint32_t index = Find(place, name);
  if (index == FileTable::kNone) return Sight::kUnknown;
  FileRecord& file = files_.At(index);
  file.pass = pass_;
  const bool same = file.version == version && file.kind != FileKind::kUnreadable;
  return same ? Sight::kSame : Sight::kChanged;
}

std::vector<Place> QueueModel::OtherPlacesOf(std::string_view name, DirectoryId directory) const {
  std::vector<Place> places;
  uint32_t index = files_.FindAnywhere(files_.HashOf(name));
  for (; index != FileTable::kNone; index = files_.At(index).next_of_name) {
    const FileRecord& file = files_.At(index);
    if (file.directory != directory) places.push_back({file.queue, file.directory});
  }
  return places;
}

std::optional<FileKind> QueueModel::KindOf(Place place, std::string_view name) const {
  const uint32_t index = Find(place, name);
  if (index == FileTable::kNone) return std::nullopt;
  return files_.At(index).kind;
}

template <typename Visit>
void QueueModel::ForEachRecipientDomain(const FileRecord& file, const Visit& visit) const {
  if (file.recipients > 0) {
    visit(file.recipient_domain, file.recipients);
    return;
  }
  for (const auto& [name_id, times] : lists_[file.recipient_domain]) visit(name_id, times);
}

void QueueModel::Change(const FileRecord& file, Axis axis, uint32_t name_id, int64_t change) {
  const Cell cell{file.queue, axis, name_id, file.arrival};
  const auto times = static_cast<uint64_t>(change);  // losses modulo 2^64
  digest_ += CellHash(cell.queue, axis, names_->hash(name_id), file.arrival) * times;
  arrival_counts_[static_cast<size_t>(file.queue)][static_cast<size_t>(axis)] += times;
  observer_(cell, change);
}

void QueueModel::Count(const FileRecord& file, int change) {
  const auto times = static_cast<uint64_t>(static_cast<int64_t>(change));
  file_counts_.by_kind[static_cast<size_t>(file.kind)] += times;
  if (file.kind != FileKind::kMessage) return;
  if (file.force_expired) file_counts_.force_expired += times;
  if (file.group_readable) file_counts_.group_readable += times;
  Change(file, Axis::kSenderDomain, file.sender, change);
  ForEachRecipientDomain(file, [&](uint32_t name_id, uint32_t recipients) {
    Change(file, Axis::kRecipientDomain, name_id, change * static_cast<int64_t>(recipients));
  });
}

uint32_t QueueModel::AcquireDomain(std::string_view address) {
  AddressToDomain(address, &domain_);
  if (domain_.size() > kMaxReportedNameLength) domain_.resize(kMaxReportedNameLength);
  return names_->Acquire(domain_);
}

void QueueModel::AddMessage(const postfix::Envelope& envelope, FileRecord* file) {
  file->arrival = envelope.arrival_seconds();
  file->sender = AcquireDomain(envelope.sender());
  name_ids_.clear();
  for (size_t i = 0; i < envelope.recipient_count(); ++i) {
    name_ids_.push_back(AcquireDomain(envelope.recipient(i)));
  }
  std::sort(name_ids_.begin(), name_ids_.end());
  SetRecipients(file);
  Count(*file, 1);
}

// From name_ids_, which are sorted.
void QueueModel::SetRecipients(FileRecord* file) {
  if (name_ids_.front() == name_ids_.back()) {
    file->recipient_domain = name_ids_.front();
    file->recipients = static_cast<uint32_t>(name_ids_.size());
    // One use a message is enough.
    for (size_t i = 1; i < name_ids_.size(); ++i) names_->Release(name_ids_[i]);
    return;
  }
  if (free_lists_.empty()) {
    free_lists_.push_back(static_cast<uint32_t>(lists_.size()));
    lists_.emplace_back();
  }
  file->recipient_domain = free_lists_.back();
  file->recipients = 0;
  free_lists_.pop_back();
  DomainList& list = lists_[file->recipient_domain];
  for (const uint32_t name_id : name_ids_) {
    if (!list.empty() && list.back().first == name_id) {
      ++list.back().second;
      names_->Release(name_id);
    } else {
      list.emplace_back(name_id, 1);
    }
  }
  list.shrink_to_fit();
}

void QueueModel::RemoveMessage(FileRecord* file) {
  Count(*file, -1);
  if (file->kind != FileKind::kMessage) return;
  names_->Release(file->sender);
  ForEachRecipientDomain(*file, [&](uint32_t name_id, uint32_t) { names_->Release(name_id); });
  if (file->recipients == 0) {
    lists_[file->recipient_domain] = DomainList();
    free_lists_.push_back(file->recipient_domain);
  }
}

Block QueueModel::MakeBlock(Queue queue, Axis axis) const {
  std::vector<std::pair<uint32_t, int64_t>> arrivals;  // name id, seconds
  arrivals.reserve(arrival_count(queue, axis));
  for (uint32_t index = 0; index < files_.end(); ++index) {
    const FileRecord& file = files_.At(index);
    if (file.directory == FileTable::kNone || file.kind != FileKind::kMessage) continue;
    if (file.queue != queue) continue;
    if (axis == Axis::kSenderDomain) {
      arrivals.emplace_back(file.sender, file.arrival);
      continue;
    }
    ForEachRecipientDomain(file, [&](uint32_t name_id, uint32_t times) {
      arrivals.insert(arrivals.end(), times, {name_id, file.arrival});
    });
  }
  return BlockOf(std::move(arrivals));
}

bool QueueModel::NamesWorthRenewing() const {
  return names_->size() > 2 * names_->used() + kSmallNameTable;
}

void QueueModel::RenewNames() {
  auto renewed = std::make_unique<NameTable>();
  const auto renew = [&](uint32_t* name_id) {
    *name_id = renewed->Acquire(names_->name(*name_id));
  };
  for (uint32_t index = 0; index < files_.end(); ++index) {
    FileRecord& file = files_.At(index);
    if (file.directory == FileTable::kNone || file.kind != FileKind::kMessage) continue;
    renew(&file.sender);
    if (file.recipients > 0) {
      renew(&file.recipient_domain);
      continue;
    }
    for (auto& [name_id, times] : lists_[file.recipient_domain]) renew(&name_id);
  }
  names_ = std::move(renewed);
}

void QueueModel::Compact() {
  if (!files_.WorthCompacting()) return;
  std::vector<DomainList> lists;
  files_.Compact([&](uint32_t from, uint32_t to) { links_.Move(from, to); });
  for (uint32_t index = 0; index < files_.end(); ++index) {
    FileRecord& file = files_.At(index);
    if (file.kind != FileKind::kMessage || file.recipients > 0) continue;
    lists.push_back(std::move(lists_[file.recipient_domain]));
    file.recipient_domain = static_cast<uint32_t>(lists.size() - 1);
  }
  lists_ = std::move(lists);
  free_lists_.clear();
  free_lists_.shrink_to_fit();
  ReturnFreeMemory();
}

}  // namespace fleetqshape
