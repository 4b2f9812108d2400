// A simulated fleet that reports to a real aggregator.
#ifndef FLEETQSHAPE_SIMULATOR_RPC_FLEET_RUN_H_
#define FLEETQSHAPE_SIMULATOR_RPC_FLEET_RUN_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "simulator/rpc/latencies.h"
#include "simulator/rpc/simulated_agent.h"
#include "simulator/traffic/fleet_plan.h"
#include "simulator/traffic/simulated_relay.h"

namespace fleetqshape {

struct RunOptions {
  std::string aggregator;  // HOST:PORT
  int64_t interval_milliseconds = 5000;
  // From when all agents have reported their whole queues; 0: that is all.
  int64_t duration_milliseconds = 60'000;
  // How long nothing may be acknowledged, while something waits to be, before it is given up: at
  // the start, and at the end.
  int64_t patience_milliseconds = 60'000;
  int64_t print_milliseconds = 10'000;
  // At most so many connections are begun in a second.
  int64_t connects_a_second = 1000;
};

// What the fleet did. Sums over all agents.
struct RunFigures {
  uint64_t agents = 0;
  uint64_t welcome = 0;        // agents, now
  uint64_t never_welcome = 0;  // agents
  uint64_t waiting = 0;        // agents of which something is not acknowledged, now
  SimulatedAgent::Counters sum;
  uint64_t messages = 0;  // in the queues, now
  int64_t milliseconds = 0;
  // From when a report was made, or sent again, until it was acknowledged. Of those since all
  // agents had reported their queues; if that never came, of all.
  int64_t latency_p50_milliseconds = 0;
  int64_t latency_p99_milliseconds = 0;
  int64_t now_seconds = 0;  // the Unix time up to which mail went on
  std::string problem;      // why some stream ended

  // Nothing was lost, every agent came through, and all is acknowledged.
  bool AllWell() const { return sum.session.lost == 0 && never_welcome == 0 && waiting == 0; }
};

// Run is for one thread, Stop for any.
class FleetRun {
 public:
  using OnProgress = std::function<void(const char* phase, const RunFigures& figures)>;

  // `clock` outlives it, and what `world` points to.
  FleetRun(RunOptions options, const SimulatedRelay::World& world,
           const std::vector<RelayPlan>& plans, const Clock* clock);

  // Makes the queues, has all agents connect and report, lets mail go on for the duration, and ends
  // when all is acknowledged, or patience has. If Stop comes before the queues are made, nobody
  // connects.
  RunFigures Run(const OnProgress& on_progress);
  // Has Run end soon; mail stops.
  void Stop();

  const std::vector<std::unique_ptr<SimulatedAgent>>& agents() const { return agents_; }

 private:
  // When an agent is looked after: monotonic milliseconds, and which.
  using Timer = std::pair<int64_t, uint32_t>;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // False if Stop came meanwhile, and some queues have no beginning.
  bool Fill();
  // Lets happen what happens until `done` says so, `until` has come (monotonic milliseconds), or
  // Stop. False if patience ended, which is asked for only with `impatient`.
  bool Drive(const char* phase, int64_t until, bool impatient, const std::function<bool()>& done);
  void HandleDue();
  void Handle(uint32_t number);
  void Schedule(uint32_t number, int64_t at);
  void Wake(uint32_t number);
  void WaitForWork(int64_t until);
  bool AllUpToDate() const;
  RunFigures Figures() const;

  const RunOptions options_;
  const SimulatedRelay::World world_;
  const Clock& clock_;
  OnProgress on_progress_;
  std::vector<int64_t> next_look_;  // by agent, monotonic milliseconds
  std::vector<int64_t> scheduled_;  // by agent: the earliest of its timers
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  Latencies latencies_;
  bool mail_goes_on_ = true;
  int64_t mail_seconds_ = 0;  // Unix time up to which it went on, once it does not
  int64_t start_milliseconds_ = 0;
  int64_t next_print_ = 0;
  std::atomic<bool> stopping_ = false;

  Mutex mutex_;
  ConditionVariable condition_;
  std::vector<uint32_t> woken_ FQS_GUARDED_BY(mutex_);
  std::vector<bool> is_woken_ FQS_GUARDED_BY(mutex_);
  bool stop_is_news_ FQS_GUARDED_BY(mutex_) = false;

  std::vector<std::unique_ptr<SimulatedAgent>> agents_;  // last: they call Wake
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_RPC_FLEET_RUN_H_
