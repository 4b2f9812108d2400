// fleetqshape-agent's options.
#ifndef FLEETQSHAPE_AGENT_OPTIONS_H_
#define FLEETQSHAPE_AGENT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fleetqshape/v1/ingest.pb.h"

namespace fleetqshape {

struct AgentOptions {
  std::string aggregator;  // HOST:PORT
  std::string cluster = "default";
  std::string host;  // this machine's name unless given
  std::string instance = "postfix";
  std::vector<std::string> labels;  // KEY=VALUE
  std::string queue_directory;
  double interval_seconds = 1;
  double heartbeat_seconds = 10;
  std::string log_level = "info";
};

// Reads the command line, the environment (FLEETQSHAPE_AGENT_...) and the configuration file, the
// first of them that names an option winning. If there is nothing to run (--help, --version, wrong
// use) it has printed what there is to say, and returns nothing: `exit_status` is what to exit
// with.
std::optional<AgentOptions> ParseAgentOptions(int argc, const char* const* argv, int* exit_status);

// What the agent tells the aggregator of itself. `options` come from ParseAgentOptions.
v1::Hello MakeHello(const AgentOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_OPTIONS_H_
