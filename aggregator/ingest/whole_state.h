// A relay's state as a whole: to write it anew, and to compare it with another.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_WHOLE_STATE_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_WHOLE_STATE_H_

#include <cstdint>

#include "aggregator/ingest/fleet.h"
#include "aggregator/store/store.h"

namespace fleetqshape {

// Replaces the relay's record alone.
RelayWrite WriteOfRecord(const RelayView& view);
// Replaces all that is stored of the relay.
RelayWrite WriteOfState(const RelayView& view, const FleetNames& names);

// How many arrivals a state has that the other has not.
struct StateDifference {
  uint64_t gained = 0;  // only after
  uint64_t lost = 0;    // only before
};

// By names, whatever ids the two states give them.
StateDifference CompareStates(const RelayState& before, const RelayState& after);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_WHOLE_STATE_H_
