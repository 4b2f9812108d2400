// A store that comes back by itself after it failed.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_RECOVERING_STORE_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_RECOVERING_STORE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/store/store.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"

namespace fleetqshape {

// The store of a fleet. When it has failed it takes nothing more until it was recovered and says
// again what the fleet says; that is tried with growing pauses. The fleet's problem is the store's.
//
// problem() and counters() are for any thread, the rest is for one, which is also the one that
// changes the fleet.
class RecoveringStore {
 public:
  struct Counters {
    uint64_t failed_batches = 0;
    uint64_t recoveries = 0;
  };

  // All outlive it.
  RecoveringStore(Store* store, Fleet* fleet, const Clock* clock);

  // OK, or why nothing can be stored at the moment, in the words that agents log and answers show.
  // RESOURCE_EXHAUSTED: the disk is full; UNAVAILABLE: other trouble.
  absl::Status problem() const;
  Counters counters() const;

  // What is stored, as Store::Load.
  absl::Status Load(Store::Wanted wanted, Store::Visit visit);
  // Writes all of it or nothing, as Store::Apply. An error is the problem from then on.
  absl::Status Apply(const std::vector<RelayWrite>& writes);
  // Recovers a store that failed, if it is time to try that. True if it works again since now.
  bool RecoverIfDue();

 private:
  absl::Status Recover();
  void SetProblem(const absl::Status& problem) FQS_REQUIRES(mutex_);

  Store& store_;
  Fleet& fleet_;
  const Clock& clock_;
  int64_t next_recovery_milliseconds_ = 0;  // while there is a problem
  int64_t recovery_delay_milliseconds_ = 0;

  mutable Mutex mutex_;
  absl::Status problem_ FQS_GUARDED_BY(mutex_);
  Counters counters_ FQS_GUARDED_BY(mutex_);
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_RECOVERING_STORE_H_
