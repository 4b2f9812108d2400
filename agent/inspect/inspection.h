// --once and --check: look, say what there is, end.
#ifndef FLEETQSHAPE_AGENT_INSPECT_INSPECTION_H_
#define FLEETQSHAPE_AGENT_INSPECT_INSPECTION_H_

#include "agent/options.h"

namespace fleetqshape {

// Prints the state that would be reported, as JSON (docs/man/fleetqshape-agent.8 describes it), to
// standard output; problems go to standard error. Returns the exit status: kExitError if something
// could not be seen whole.
int PrintOnce(const AgentOptions& options);

// Prints in plain words what of each queue can be read and what not, and what to do. Returns the
// exit status: kExitError if something stands in the agent's way.
int PrintCheck(const AgentOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_INSPECT_INSPECTION_H_
