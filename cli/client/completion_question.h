// Offers what a word of the command line may become, for a shell's completion.
#ifndef FLEETQSHAPE_CLI_CLIENT_COMPLETION_QUESTION_H_
#define FLEETQSHAPE_CLI_CLIENT_COMPLETION_QUESTION_H_

#include "cli/options.h"

namespace fleetqshape {

// Prints the candidates for the last of options.arguments to standard output, a line each. Names of
// relays and labels are an aggregator's, if it answers within half a second. Nothing that fails
// says so: somebody is typing. Returns the exit status, which is always that of success.
int CompleteWord(const CliOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_COMPLETION_QUESTION_H_
