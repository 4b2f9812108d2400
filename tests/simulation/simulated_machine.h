// What the processes of a simulated machine share, and what ends with each.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_MACHINE_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_MACHINE_H_

#include <cstdint>

#include "tests/simulation/disk_image.h"
#include "tests/simulation/fault_plan.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {

struct SimulatedMachine {
  explicit SimulatedMachine(uint64_t seed) : random(seed) {}
  RandomSource random;
  DiskImage image;
  FaultPlan faults{&random};
  uint64_t unique_ids = 0;     // that were given out
  bool options_files = false;  // whether RocksDB can make its OPTIONS files
};

// A process, until it is killed. From then on nothing that it does reaches the machine, so that
// what is left of it in memory can be destroyed.
struct SimulatedProcess {
  SimulatedMachine* machine;
  bool alive = true;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_MACHINE_H_
