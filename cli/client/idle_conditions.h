// Conditions that do nothing, which are mistyped more often than not.
#ifndef FLEETQSHAPE_CLI_CLIENT_IDLE_CONDITIONS_H_
#define FLEETQSHAPE_CLI_CLIENT_IDLE_CONDITIONS_H_

#include <string>
#include <vector>

#include "cli/client/query_client.h"
#include "cli/options.h"

namespace fleetqshape {

// A line for each condition of --select that leaves out what no relay has: `role!=gatway` would
// select all relays without a word. Asks the aggregator, about negated conditions only, and only
// about those of the command line: those that last are for days when a label is there, too. Nothing
// if there is no answer.
std::vector<std::string> IdleConditions(const CliOptions& options, QueryClient* client);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_IDLE_CONDITIONS_H_
