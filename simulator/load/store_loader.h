// A simulated fleet as an aggregator would have stored it, without agents and a network.
#ifndef FLEETQSHAPE_SIMULATOR_LOAD_STORE_LOADER_H_
#define FLEETQSHAPE_SIMULATOR_LOAD_STORE_LOADER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/store/store.h"
#include "simulator/traffic/fleet_plan.h"
#include "simulator/traffic/simulated_relay.h"

namespace fleetqshape {

struct LoadFigures {
  uint64_t relays = 0;
  uint64_t messages = 0;
  uint64_t names = 0;
  uint64_t bytes = 0;  // of sections
};

// Writes the relays of `plans`, as they are at the start, each with one report, and calls `visit`
// with each queue. All is synced when it returns. FAILED_PRECONDITION: there are relays in the
// store; else errors of the store.
absl::StatusOr<LoadFigures> LoadStore(const SimulatedRelay::World& world,
                                      const std::vector<RelayPlan>& plans, int64_t now_milliseconds,
                                      Store* store,
                                      const std::function<void(const SimulatedQueue&)>& visit);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_LOAD_STORE_LOADER_H_
