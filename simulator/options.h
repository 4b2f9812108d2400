// fleetqshape-simulate's options.
#ifndef FLEETQSHAPE_SIMULATOR_OPTIONS_H_
#define FLEETQSHAPE_SIMULATOR_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "simulator/traffic/fleet_plan.h"

namespace fleetqshape {

struct SimulatorOptions {
  std::string aggregator;  // HOST:PORT; empty if load_store is not
  std::string load_store;  // a store in this directory is written, and nothing else done
  FleetOptions fleet;
  uint32_t domains = 10'000;
  bool odd_names = false;
  bool no_forged_names = false;
  double interval_seconds = 5;
  double duration_seconds = 60;
  double print_seconds = 10;
  double patience_seconds = 60;
  std::string expect;  // a directory for expected tables; empty: none
  bool json = false;
  std::string log_level = "warning";
};

// As ParseAgentOptions; the environment's variables are FLEETQSHAPE_SIMULATE_...
std::optional<SimulatorOptions> ParseSimulatorOptions(int argc, const char* const* argv,
                                                      int* exit_status);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_OPTIONS_H_
