#include "cli/local/scan_worker.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "common/shape/address.h"

namespace fleetqshape {

using postfix::Dialect;
using postfix::QueueFileKind;
using postfix::RecordReader;

namespace {

constexpr size_t kMostWaiting = 8192;

}  // namespace

void ScanCounts::Add(const ScanCounts& other) {
  messages += other.messages;
  force_expired += other.force_expired;
  fresh_maildrop += other.fresh_maildrop;
  no_recipients += other.no_recipients;
  not_ready += other.not_ready;
  foreign += other.foreign;
  damaged += other.damaged;
  unreadable += other.unreadable;
  vanished += other.vanished;
  seen_before += other.seen_before;
}

bool SeenFiles::Insert(dev_t device, ino_t inode) {
  MutexLock lock(mutex_);
  return files_.insert({device, inode}).second;
}

ScanWorker::ScanWorker(const ScanQuestion* question, SeenFiles* seen, size_t files_at_a_time)
    : question_(*question),
      seen_(*seen),
      files_at_a_time_(std::clamp<size_t>(files_at_a_time, 1, kMostAtATime)),
      heads_(new char[files_at_a_time_ * RecordReader::kMaxHead]),
      table_(question->buckets.columns()) {}

size_t ScanWorker::TakeFile(int directory_fd, const char* name) {
  OpenFile& file = open_files_[open_count_];
  file.fd = postfix::OpenQueueFile(directory_fd, name, &file.status);
  if (file.fd < 0) {
    // What is no regular file is none of ours.
    if (errno == ENOENT) {
      ++counts_.vanished;
    } else if (errno != EINVAL && errno != ELOOP && errno != ENXIO) {
      ++counts_.unreadable;
    }
    return 0;
  }
  file.wanted = IsWanted(file.status);
  if (file.wanted) {
    char* room = heads_.get() + open_count_ * RecordReader::kMaxHead;
    file.head = RecordReader::ReadHead(file.fd, file.status.st_size, room);
  }
  return ++open_count_ == files_at_a_time_ ? CountOpenFiles() : 0;
}

void ScanWorker::Settle() {
  CountOpenFiles();
  closer_.Flush();
  MutexLock lock(mutex_);
  AddWaiting();
}

bool ScanWorker::IsWanted(const struct stat& status) {
  if (!postfix::IsReadyMode(status.st_mode, question_.dialect)) {
    ++counts_.not_ready;
    return false;
  }
  if (!IsFirstSight(status)) {
    ++counts_.seen_before;
    return false;
  }
  return true;
}

size_t ScanWorker::CountOpenFiles() {
  size_t messages = 0;
  for (size_t i = 0; i < open_count_; ++i) {
    if (open_files_[i].wanted && CountOpenFile(open_files_[i])) ++messages;
  }
  for (size_t i = 0; i < open_count_; ++i) closer_.Close(open_files_[i].fd);
  open_count_ = 0;
  return messages;
}

bool ScanWorker::CountOpenFile(const OpenFile& file) {
  switch (reader_.Read(file.fd, file.status, question_.dialect, &envelope_, file.head)) {
    case QueueFileKind::kMessage:
      break;
    case QueueFileKind::kNoRecipients:
      ++counts_.no_recipients;
      return false;
    case QueueFileKind::kDamaged:
      ++counts_.damaged;
      return false;
    case QueueFileKind::kForeign:
      ++counts_.foreign;
      if (question_.dialect == Dialect::kPostfix) return false;
      CountForeign();
      return true;
  }
  ++counts_.messages;
  if (!postfix::IsReadyMode(file.status.st_mode, Dialect::kQshape)) ++counts_.force_expired;
  if (envelope_.written_by_postdrop()) ++counts_.fresh_maildrop;
  CountEnvelope();
  return true;
}

bool ScanWorker::IsFirstSight(const struct stat& status) {
  if (question_.dialect == Dialect::kQshape) return true;
  if (!question_.files_may_repeat && status.st_nlink == 1) return true;
  return seen_.Insert(status.st_dev, status.st_ino);
}

void ScanWorker::CountForeign() {
  if (question_.axis != Axis::kSenderDomain) return;
  // To qshape, a message without a sender that arrived at the epoch.
  const size_t bucket = question_.buckets.BucketOf(static_cast<double>(question_.now_seconds));
  MutexLock lock(mutex_);
  CountAddress("", bucket);
}

void ScanWorker::CountEnvelope() {
  const double now = static_cast<double>(question_.now_seconds);
  const double arrival = question_.dialect == Dialect::kQshape
                             ? envelope_.arrival()
                             : static_cast<double>(envelope_.arrival_seconds());
  const size_t bucket = question_.buckets.BucketOf(now - arrival);
  MutexLock lock(mutex_);
  if (question_.axis == Axis::kSenderDomain) {
    CountAddress(envelope_.sender(), bucket);
    return;
  }
  for (size_t i = 0; i < envelope_.recipient_count(); ++i) {
    CountAddress(envelope_.recipient(i), bucket);
  }
}

void ScanWorker::CountAddress(std::string_view address, size_t bucket) {
  AddressToDomain(address, &domain_);
  waiting_names_.append(domain_);
  waiting_.push_back({domain_.size(), bucket});
  if (waiting_.size() == kMostWaiting) AddWaiting();
}

void ScanWorker::AddWaiting() {
  AddWaitingTo(&table_);
  waiting_.clear();
  waiting_names_.clear();
}

void ScanWorker::AddWaitingTo(ShapeTable* table) const {
  // Each row is asked for ahead of its turn, so that several come from memory at a time.
  constexpr size_t kAhead = 8;
  std::string_view names = waiting_names_;
  std::string_view names_ahead = waiting_names_;
  const auto take = [](std::string_view* from, size_t length) {
    const std::string_view name = from->substr(0, length);
    from->remove_prefix(length);
    return name;
  };
  for (size_t i = 0; i < waiting_.size() + kAhead; ++i) {
    if (i < waiting_.size()) table->Prefetch(take(&names_ahead, waiting_[i].name_length));
    if (i < kAhead) continue;
    const Arrival& arrival = waiting_[i - kAhead];
    table->Add(take(&names, arrival.name_length), arrival.bucket);
    table->AddTotal(arrival.bucket);
  }
}

ShapeTable ScanWorker::TakeTable() {
  MutexLock lock(mutex_);
  return std::exchange(table_, ShapeTable(question_.buckets.columns()));
}

void ScanWorker::MergeTableInto(ShapeTable* sum) const {
  MutexLock lock(mutex_);
  sum->MergeFrom(table_);
  AddWaitingTo(sum);
}

}  // namespace fleetqshape
