// fleetqshape-agent: wiring.

#include <string>

#include "agent/agent.h"
#include "agent/inspect/inspection.h"
#include "agent/options.h"
#include "common/base/clock.h"
#include "common/base/logging.h"
#include "common/base/random.h"
#include "common/base/signals.h"
#include "common/base/standard_streams.h"
#include "common/options/layered_options.h"

int main(int argc, char** argv) {
  fleetqshape::OccupyStandardStreams();
  int exit_status = 0;
  const auto options = fleetqshape::ParseAgentOptions(argc, argv, &exit_status);
  if (!options) return exit_status;
  if (options->mode == fleetqshape::AgentOptions::Mode::kOnce)
    return fleetqshape::PrintOnce(*options);
  if (options->mode == fleetqshape::AgentOptions::Mode::kCheck) {
    return fleetqshape::PrintCheck(*options);
  }
  fleetqshape::StartLogging(options->log_level);
  const fleetqshape::SystemClock clock;
  fleetqshape::Agent agent(*options, &clock, fleetqshape::SystemRandom);
  fleetqshape::StopSignals signals;
  signals.Start([&agent] { agent.Stop(); });
  const absl::Status ran = agent.Run();
  if (ran.ok()) return fleetqshape::kExitOk;
  fleetqshape::PrintError("fleetqshape-agent", std::string(ran.message()));
  return fleetqshape::kExitError;
}
