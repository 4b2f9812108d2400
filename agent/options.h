// fleetqshape-agent's options.
#ifndef FLEETQSHAPE_AGENT_OPTIONS_H_
#define FLEETQSHAPE_AGENT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/postfix/settings.h"
#include "fleetqshape/v1/ingest.pb.h"

namespace fleetqshape {

struct AgentOptions {
  // What to do: watch and report for good, or look once and say what there is.
  enum class Mode { kRun, kOnce, kCheck };

  Mode mode = Mode::kRun;
  std::vector<std::string> aggregators;  // HOST:PORT
  std::string cluster = "default";
  std::string host;                            // this machine's name unless given
  std::string instance;                        // of the only queue directory; else empty
  std::vector<std::string> labels;             // KEY=VALUE
  std::vector<std::string> queue_directories;  // [NAME=]DIR; none: those of Postfix's instances
  std::string postfix = "auto";                // or the primary instance's configuration directory
  bool watch = true;                           // with inotify
  double interval_seconds = 1;
  double verify_interval_seconds = 300;
  double heartbeat_seconds = 10;
  std::string log_level = "info";
};

// One Postfix instance of this host.
struct RelayOptions {
  std::string instance;
  std::string queue_directory;
  std::optional<PostfixSettings> settings;

  bool operator==(const RelayOptions&) const = default;
};

// Reads the command line, the environment (FLEETQSHAPE_AGENT_...) and the configuration file, the
// first of them that names an option winning. If there is nothing to run (--help, --version, wrong
// use) it has printed what there is to say, and returns nothing: `exit_status` is what to exit
// with.
std::optional<AgentOptions> ParseAgentOptions(int argc, const char* const* argv, int* exit_status);

// A --queue-directory's name, which may be empty, and directory.
std::pair<std::string, std::string> SplitQueueDirectory(const std::string& text);

// What the agent tells the aggregator of a relay. `options` come from ParseAgentOptions.
v1::Hello MakeHello(const AgentOptions& options, const std::string& instance);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_OPTIONS_H_
