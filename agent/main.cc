// fleetqshape-agent: wiring.

#include <spdlog/spdlog.h>

#include "agent/agent.h"
#include "agent/options.h"
#include "common/base/clock.h"
#include "common/base/logging.h"
#include "common/base/random.h"
#include "common/base/signals.h"
#include "common/base/standard_streams.h"

int main(int argc, char** argv) {
  fleetqshape::OccupyStandardStreams();
  int exit_status = 0;
  const auto options = fleetqshape::ParseAgentOptions(argc, argv, &exit_status);
  if (!options) return exit_status;
  fleetqshape::StartLogging(options->log_level);
  fleetqshape::StopSignals signals;
  const fleetqshape::SystemClock clock;
  fleetqshape::Agent agent(*options, &clock, fleetqshape::SystemRandom());
  signals.Start([&agent] { agent.Stop(); });
  agent.Run();
  return 0;
}
