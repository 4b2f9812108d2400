// What is done after the store failed and was recovered.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_RECONCILE_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_RECONCILE_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/store/store.h"

namespace fleetqshape {

// Makes a store that was recovered say what the fleet in memory says, which has all that was ever
// acknowledged: relays that the store has lost or has otherwise are written again, and those that
// the fleet does not know are forgotten. So what a batch left on the disk although its write had
// failed goes: none of it was acknowledged, and its agents send it again. Returns how many relays
// were written or forgotten. After an error of the store some may have been; the next call does
// the rest. No state in the fleet may change meanwhile.
absl::StatusOr<size_t> Reconcile(const Fleet& fleet, Store* store);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_RECONCILE_H_
