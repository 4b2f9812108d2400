#include "aggregator/ingest/relay_names.h"

#include <algorithm>
#include <utility>

#include "common/base/mutex.h"

namespace fleetqshape {

// Holds the references to all names of an epoch, those of its longest table.
class RelayNames::Epoch {
 public:
  explicit Epoch(FleetNames* names) : names_(*names), held_(names->weak_from_this().lock()) {}
  ~Epoch() { names_.Release({ids_.get(), size_}); }
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;

  // Makes `table` longer by `added`. False if the epoch has a longer one already.
  bool Extend(absl::Span<const std::string_view> added, absl::Span<const NameUse> uses,
              Table* table) {
    MutexLock lock(mutex_);
    if (size_ != table->size) return false;
    Reserve(size_ + added.size());
    names_.Intern(added, {ids_.get() + size_, added.size()}, uses);
    size_ += added.size();
    table->size_before = std::exchange(table->size, size_);
    table->ids = ids_;
    return true;
  }

  // The names of another epoch's table: they are referred to once more.
  void Copy(absl::Span<const uint32_t> ids) {
    MutexLock lock(mutex_);
    Reserve(ids.size());
    names_.Retain(ids);
    std::copy(ids.begin(), ids.end(), ids_.get());
    size_ = ids.size();
  }

  // A table went. If it was the longest one, nobody has seen what it added.
  void Drop(const Table& table) {
    MutexLock lock(mutex_);
    if (table.size != size_) return;
    names_.Release({ids_.get() + table.size_before, size_ - table.size_before});
    size_ = table.size_before;
  }

 private:
  // Tables that were made before keep the memory that they are in.
  void Reserve(size_t size) FQS_REQUIRES(mutex_) {
    if (size <= capacity_) return;
    // An eighth to spare: each id is copied about eight times in its life.
    capacity_ = size + size_ / 8;
    std::shared_ptr<uint32_t[]> ids(new uint32_t[capacity_]);
    std::copy(ids_.get(), ids_.get() + size_, ids.get());
    ids_ = std::move(ids);
  }

  FleetNames& names_;
  const std::shared_ptr<FleetNames> held_;  // maybe null
  Mutex mutex_;
  std::shared_ptr<uint32_t[]> ids_ FQS_GUARDED_BY(mutex_);
  size_t size_ FQS_GUARDED_BY(mutex_) = 0;
  size_t capacity_ FQS_GUARDED_BY(mutex_) = 0;
};

RelayNames::Table::~Table() {
  if (epoch != nullptr) epoch->Drop(*this);
}

RelayNames RelayNames::With(absl::Span<const std::string_view> added, FleetNames* names,
                            absl::Span<const NameUse> uses) const {
  if (added.empty()) return *this;
  auto next = std::make_shared<Table>();
  next->size = size();
  if (table_ != nullptr) next->epoch = table_->epoch;
  if (next->epoch != nullptr && next->epoch->Extend(added, uses, next.get())) {
    return RelayNames(next);
  }
  // An epoch begins, or somebody still has what was made of this table before.
  next->epoch = std::make_shared<Epoch>(names);
  next->epoch->Copy(fleet_ids());
  next->epoch->Extend(added, uses, next.get());
  return RelayNames(std::move(next));
}

}  // namespace fleetqshape
