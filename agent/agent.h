// The agent: a relay's loop for each Postfix instance of this host.
#ifndef FLEETQSHAPE_AGENT_AGENT_H_
#define FLEETQSHAPE_AGENT_AGENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "agent/options.h"
#include "agent/relay_agent.h"
#include "agent/relay_finder.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/service_manager.h"

namespace fleetqshape {

// Starts and stops relays as Postfix's configuration changes, and tells the service manager how it
// goes. Run is for one thread; Stop may be called from any, once Run began or before.
class Agent {
 public:
  using Random = std::function<uint64_t()>;

  // `clock` outlives the agent. `make_random` makes a source of random 64-bit numbers for each
  // relay.
  Agent(const AgentOptions& options, const Clock* clock, std::function<Random()> make_random);

  // Returns after Stop, or with an error if there is nothing to watch at the start.
  absl::Status Run();
  void Stop();

 private:
  struct Relay {
    Relay(const AgentOptions& agent_options, const RelayOptions& relay_options, const Clock* clock,
          Random random);
    ~Relay();

    RelayOptions options;
    RelayAgent agent;
    std::thread thread;
  };

  // Makes the relays those that there are now.
  absl::Status FindRelays();
  void KeepRelays(std::vector<RelayOptions> wanted);
  void LogProblems();
  // How it goes, in one line.
  std::string StatusText(const std::vector<RelayHealth>& relays) const;
  void TellServiceManager();
  bool WaitForStop(std::chrono::milliseconds time);

  const AgentOptions options_;
  const Clock& clock_;
  const std::function<Random()> make_random_;
  RelayFinder finder_;
  std::vector<std::unique_ptr<Relay>> relays_;
  const ServiceManager service_manager_{};
  bool told_ready_ = false;
  std::string told_status_;
  std::vector<std::string> logged_problems_;

  Mutex mutex_;
  ConditionVariable condition_;
  bool stopping_ FQS_GUARDED_BY(mutex_) = false;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_AGENT_H_
