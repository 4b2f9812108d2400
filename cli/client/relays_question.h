// Asks an aggregator about its relays rather than about mail.
#ifndef FLEETQSHAPE_CLI_CLIENT_RELAYS_QUESTION_H_
#define FLEETQSHAPE_CLI_CLIENT_RELAYS_QUESTION_H_

#include "cli/options.h"

namespace fleetqshape {

// Prints the relays that match to standard output. Returns the exit status.
int ListRelays(const CliOptions& options);

// Lets the aggregator forget the relays that match. Prints those that were forgotten to standard
// output, those that were left to standard error. Returns the exit status: kExitOk if none was
// left.
int ForgetRelays(const CliOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_RELAYS_QUESTION_H_
