// What this process has cost so far.
#ifndef FLEETQSHAPE_TESTS_BENCH_PROCESS_COSTS_H_
#define FLEETQSHAPE_TESTS_BENCH_PROCESS_COSTS_H_

#include <cstdint>

namespace fleetqshape {

struct ProcessCosts {
  double wall_seconds;     // since some moment
  double cpu_seconds;      // of all threads
  uint64_t written_bytes;  // to disks: each page as often as it became dirty anew
};

ProcessCosts CostsNow();

// Waits until the process has done next to nothing for a while: until what it does in the
// background is done. Returns the costs as of the beginning of that while.
ProcessCosts WaitUntilIdle();

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_BENCH_PROCESS_COSTS_H_
