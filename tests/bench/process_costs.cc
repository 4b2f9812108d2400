#include "tests/bench/process_costs.h"

#include <ctime>
#include <fstream>
#include <string>
#include <thread>

namespace fleetqshape {
namespace {

double SecondsOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

ProcessCosts CostsNow() {
  ProcessCosts costs{SecondsOf(CLOCK_MONOTONIC), SecondsOf(CLOCK_PROCESS_CPUTIME_ID), 0};
  std::ifstream counters("/proc/self/io");
  std::string name;
  uint64_t value = 0;
  while (counters >> name >> value) {
    if (name == "write_bytes:") costs.written_bytes = value;
  }
  return costs;
}

void WaitUntilIdle() {
  constexpr auto kWhile = std::chrono::milliseconds(250);
  constexpr double kNextToNothing = 0.01;  // CPU seconds in that while
  for (ProcessCosts before = CostsNow();;) {
    std::this_thread::sleep_for(kWhile);
    const ProcessCosts after = CostsNow();
    if (after.written_bytes == before.written_bytes &&
        after.cpu_seconds - before.cpu_seconds < kNextToNothing) {
      return;
    }
    before = after;
  }
}

}  // namespace fleetqshape
