// How an aggregator that starts gets its fleet back.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_LOAD_FLEET_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_LOAD_FLEET_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/recovering_store.h"
#include "aggregator/ingest/relay_registry.h"
#include "common/base/clock.h"

namespace fleetqshape {

struct LoadedFleet {
  // When the records say that relays were heard of, in monotonic milliseconds; those whose state
  // was sound.
  std::map<RelayId, int64_t> heard_milliseconds;
  // Stored, but nobody knows of whom, or stored twice: they are none of the fleet, and have to be
  // taken out of the store.
  std::vector<RelayId> left_out;
  uint64_t damaged = 0;  // relays whose stored state could not be read, with those left out
};

// Fills the fleet and the registry from the store. A relay whose stored state is damaged is logged
// and starts from nothing. `stopping` is asked before each relay: CANCELLED once it says so.
absl::StatusOr<LoadedFleet> LoadFleet(const Clock& clock, absl::FunctionRef<bool()> stopping,
                                      RecoveringStore* store, RelayRegistry* registry,
                                      Fleet* fleet);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_LOAD_FLEET_H_
