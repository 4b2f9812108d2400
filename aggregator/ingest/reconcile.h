// What is done after the store failed and was recovered.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_RECONCILE_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_RECONCILE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/store/store.h"

namespace fleetqshape {

struct Reconciled {
  size_t landed = 0;     // relays whose last report was on the disk although its write had failed
  size_t rewritten = 0;  // relays that the store had lost, or had as they were before
};

// Makes the fleet in memory and a store that was recovered say the same. Memory has all that was
// ever acknowledged. The store may have more: of a batch whose write failed, nobody knows whether
// it is on the disk, and `uncertain` says what epoch and sequence it would have given its relays.
// If the store has that, memory takes it over, as if the agent's report had come now; else the
// store gets what memory has.
absl::StatusOr<Reconciled> Reconcile(
    const std::map<RelayId, std::pair<uint64_t, uint64_t>>& uncertain, Store* store, Fleet* fleet);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_RECONCILE_H_
