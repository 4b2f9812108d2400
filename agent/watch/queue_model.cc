#include "agent/watch/queue_model.h"

#include <algorithm>

#include "common/shape/address.h"
#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

// Below this many ids a table is never worth renewing.
constexpr size_t kSmallNameTable = 4096;

}  // namespace

QueueModel::QueueModel(CellObserver observer)
    : observer_(std::move(observer)), names_(std::make_unique<NameTable>()) {}

bool QueueModel::See(ino_t inode, const FileVersion& version) {
  const auto found = files_.find(inode);
  if (found == files_.end() || found->second.version != version) return false;
  found->second.pass = pass_;
  return true;
}

void QueueModel::Put(ino_t inode, const FileVersion& version, const postfix::Envelope* envelope) {
  File& file = files_[inode];
  RemoveMessage(&file);
  file.version = version;
  file.pass = pass_;
  if (envelope != nullptr) AddMessage(*envelope, &file);
}

void QueueModel::EndPass(const std::set<Queue>& listed) {
  for (auto entry = files_.begin(); entry != files_.end();) {
    const auto next = std::next(entry);
    if (entry->second.pass != pass_ && listed.contains(entry->second.version.queue)) {
      RemoveMessage(&entry->second);
      files_.erase(entry);
    }
    entry = next;
  }
}

void QueueModel::Change(const File& file, Axis axis, uint32_t name_id, uint32_t times, int change) {
  const Cell cell{file.version.queue, axis, name_id, file.arrival};
  const uint64_t hash = CellHash(cell.queue, axis, names_->hash(name_id), file.arrival) * times;
  digest_ += change > 0 ? hash : uint64_t{0} - hash;
  for (uint32_t i = 0; i < times; ++i) observer_(cell, change);
}

uint32_t QueueModel::AcquireDomain(std::string_view address) {
  AddressToDomain(address, &domain_);
  if (domain_.size() > kMaxReportedNameLength) domain_.resize(kMaxReportedNameLength);
  return names_->Acquire(domain_);
}

void QueueModel::AddMessage(const postfix::Envelope& envelope, File* file) {
  file->counts = true;
  file->arrival = envelope.arrival_seconds();
  file->sender = AcquireDomain(envelope.sender());
  name_ids_.clear();
  for (size_t i = 0; i < envelope.recipient_count(); ++i) {
    name_ids_.push_back(AcquireDomain(envelope.recipient(i)));
  }
  std::sort(name_ids_.begin(), name_ids_.end());
  for (uint32_t name_id : name_ids_) {
    if (!file->recipients.empty() && file->recipients.back().first == name_id) {
      ++file->recipients.back().second;
      names_->Release(name_id);  // one use a message is enough
    } else {
      file->recipients.emplace_back(name_id, 1);
    }
  }
  ++message_count_;
  Change(*file, Axis::kSenderDomain, file->sender, 1, 1);
  for (const auto& [name_id, times] : file->recipients) {
    Change(*file, Axis::kRecipientDomain, name_id, times, 1);
  }
}

void QueueModel::RemoveMessage(File* file) {
  if (!file->counts) return;
  Change(*file, Axis::kSenderDomain, file->sender, 1, -1);
  names_->Release(file->sender);
  for (const auto& [name_id, times] : file->recipients) {
    Change(*file, Axis::kRecipientDomain, name_id, times, -1);
    names_->Release(name_id);
  }
  file->recipients.clear();
  file->counts = false;
  --message_count_;
}

Block QueueModel::MakeBlock(Queue queue, Axis axis) const {
  std::vector<std::pair<uint32_t, int64_t>> arrivals;  // name id, seconds
  for (const auto& [inode, file] : files_) {
    if (!file.counts || file.version.queue != queue) continue;
    if (axis == Axis::kSenderDomain) {
      arrivals.emplace_back(file.sender, file.arrival);
      continue;
    }
    for (const auto& [name_id, times] : file.recipients) {
      arrivals.insert(arrivals.end(), times, {name_id, file.arrival});
    }
  }
  std::sort(arrivals.begin(), arrivals.end());
  BlockBuilder builder;
  std::optional<uint32_t> current;
  for (const auto& [name_id, arrival] : arrivals) {
    if (current != name_id) builder.StartName(name_id);
    current = name_id;
    builder.AddArrival(arrival);
  }
  return builder.Finish();
}

bool QueueModel::NamesWorthRenewing() const {
  return names_->size() > 2 * names_->used() + kSmallNameTable;
}

void QueueModel::RenewNames() {
  auto renewed = std::make_unique<NameTable>();
  for (auto& [inode, file] : files_) {
    if (!file.counts) continue;
    file.sender = renewed->Acquire(names_->name(file.sender));
    for (auto& [name_id, times] : file.recipients) {
      name_id = renewed->Acquire(names_->name(name_id));
    }
  }
  names_ = std::move(renewed);
}

}  // namespace fleetqshape
