// One relay of a simulated fleet, its report session, and its own connection to the aggregator.
#ifndef FLEETQSHAPE_SIMULATOR_RPC_SIMULATED_AGENT_H_
#define FLEETQSHAPE_SIMULATOR_RPC_SIMULATED_AGENT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/report/backoff.h"
#include "agent/report/report_session.h"
#include "agent/rpc/ingest_client.h"
#include "common/base/clock.h"
#include "simulator/rpc/latencies.h"
#include "simulator/traffic/simulated_relay.h"

namespace fleetqshape {

// Connects, reports, and connects again for as long as it is there, as a real agent does. For one
// thread; nothing here waits but the destructor, for a moment.
class SimulatedAgent {
 public:
  struct Counters {
    ReportSession::Counters session;
    uint64_t connections = 0;  // that came to a welcome
    uint64_t ended = 0;        // streams
  };

  // `clock` outlives the agent. `wake` is called, from any thread, when it is time for Advance.
  SimulatedAgent(const SimulatedRelay::World& world, const RelayPlan& plan,
                 const std::string& address, int64_t interval_milliseconds, const Clock* clock,
                 std::function<void()> wake);

  // What the relay holds at the start.
  void Fill(int64_t now_seconds, const std::vector<DomainId>& out) {
    relay_.Fill(now_seconds, out);
  }
  // Looks at the queue, after all that happened there up to this second.
  void Look(int64_t now_seconds);
  // Takes what came from the aggregator, connects if it is time to, and sends what there is to
  // send. Notes how long reports took.
  void Advance(Latencies* latencies);
  // When Advance has something to do though `wake` is not called before; monotonic milliseconds.
  int64_t NextDeadline() const;

  bool is_welcome() const { return is_welcome_; }
  // All that the relay holds is acknowledged.
  bool UpToDate() const { return session_.UpToDate(); }
  Counters counters() const;
  const SimulatedQueue& queue() const { return relay_.queue(); }
  // Why the last stream ended; empty if none did.
  const std::string& last_problem() const { return last_problem_; }

 private:
  ReportSession::Options SessionOptions(const RelayPlan& plan, const std::string& address,
                                        int64_t interval_milliseconds) const;

  const Clock& clock_;
  SimulatedRelay relay_;
  ReportSession session_;
  Backoff backoff_;
  bool connected_ = false;   // a stream is open, or being opened
  bool is_welcome_ = false;  // on this stream
  int64_t next_connect_ = 0;
  uint64_t connections_ = 0;
  uint64_t ended_ = 0;
  std::string last_problem_;
  IngestClient client_;  // last: it wakes
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_RPC_SIMULATED_AGENT_H_
