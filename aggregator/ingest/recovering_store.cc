#include "aggregator/ingest/recovering_store.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "aggregator/ingest/reconcile.h"
#include "common/base/status_macros.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// Between two attempts to recover the store, doubling from the first to the second.
constexpr int64_t kFirstDelayMilliseconds = 500;
constexpr int64_t kLastDelayMilliseconds = 8000;

absl::Status ProblemOf(const absl::Status& failure) {
  const bool full = absl::IsResourceExhausted(failure);
  return absl::Status(failure.code(),
                      absl::StrCat("the aggregator cannot store reports",
                                   full ? ", its disk is full: make room there" : "", " (",
                                   failure.message(), "); it goes on by itself once it can"));
}

}  // namespace

RecoveringStore::RecoveringStore(Store* store, Fleet* fleet, const Clock* clock)
    : store_(*store), fleet_(*fleet), clock_(*clock) {}

absl::Status RecoveringStore::problem() const {
  MutexLock lock(mutex_);
  return problem_;
}

RecoveringStore::Counters RecoveringStore::counters() const {
  MutexLock lock(mutex_);
  return counters_;
}

void RecoveringStore::SetProblem(const absl::Status& problem) {
  problem_ = problem;
  fleet_.SetProblem(std::string(problem.message()));
}

absl::Status RecoveringStore::Load(Store::Wanted wanted, Store::Visit visit) {
  return store_.Load(wanted, visit);
}

absl::Status RecoveringStore::Apply(const std::vector<RelayWrite>& writes) {
  const absl::Status written = store_.Apply(writes);
  if (written.ok()) return written;
  const absl::Status problem = ProblemOf(written);
  spdlog::error("{}", std::string(problem.message()));
  recovery_delay_milliseconds_ = kFirstDelayMilliseconds;
  next_recovery_milliseconds_ = clock_.MonotonicMilliseconds() + recovery_delay_milliseconds_;
  MutexLock lock(mutex_);
  SetProblem(problem);
  ++counters_.failed_batches;
  return problem;
}

bool RecoveringStore::RecoverIfDue() {
  const int64_t now = clock_.MonotonicMilliseconds();
  if (problem().ok() || now < next_recovery_milliseconds_) return false;
  const absl::Status recovered = Recover();
  recovery_delay_milliseconds_ = std::min(2 * recovery_delay_milliseconds_, kLastDelayMilliseconds);
  next_recovery_milliseconds_ = now + recovery_delay_milliseconds_;
  MutexLock lock(mutex_);
  SetProblem(recovered.ok() ? recovered : ProblemOf(recovered));
  counters_.recoveries += recovered.ok() ? 1 : 0;
  return recovered.ok();
}

absl::Status RecoveringStore::Recover() {
  const auto recover = [this]() -> absl::StatusOr<size_t> {
    FQS_RETURN_IF_ERROR(store_.Recover());
    return Reconcile(fleet_, &store_);
  };
  const absl::StatusOr<size_t> rewritten = recover();
  if (rewritten.ok()) {
    spdlog::warn("the store works again; {} relays were written again or taken out of it",
                 *rewritten);
  } else {
    spdlog::debug("the store is not back: {}", std::string(rewritten.status().message()));
  }
  return rewritten.status();
}

}  // namespace fleetqshape
