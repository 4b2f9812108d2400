#include "tests/bench/process_costs.h"

#include <chrono>
#include <cstddef>
#include <ctime>
#include <deque>
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

ProcessCosts WaitUntilIdle() {
  constexpr auto kTick = std::chrono::milliseconds(25);
  constexpr size_t kWhile = 10;            // ticks
  constexpr double kNextToNothing = 0.01;  // CPU seconds in that while
  for (std::deque<ProcessCosts> last = {CostsNow()};; last.pop_front()) {
    while (last.size() <= kWhile) {
      std::this_thread::sleep_for(kTick);
      last.push_back(CostsNow());
    }
    if (last.back().written_bytes == last.front().written_bytes &&
        last.back().cpu_seconds - last.front().cpu_seconds < kNextToNothing) {
      return last.front();
    }
  }
}

}  // namespace fleetqshape
