// Answers a question from an aggregator.
#ifndef FLEETQSHAPE_CLI_CLIENT_FLEET_QUESTION_H_
#define FLEETQSHAPE_CLI_CLIENT_FLEET_QUESTION_H_

#include "cli/options.h"

namespace fleetqshape {

// Asks and prints the table to standard output, what it covers to standard error. Returns the exit
// status.
int AnswerFromFleet(const CliOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_FLEET_QUESTION_H_
