// Answers a question from this machine's queue files.
#ifndef FLEETQSHAPE_CLI_LOCAL_LOCAL_QUESTION_H_
#define FLEETQSHAPE_CLI_LOCAL_LOCAL_QUESTION_H_

#include "cli/options.h"
#include "common/base/clock.h"

namespace fleetqshape {

// Scans and prints the table to standard output, warnings to standard error; on a terminal it
// redraws the table on the way, as qshape does. Returns the exit status.
int AnswerLocally(const CliOptions& options, const Clock& clock);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_LOCAL_LOCAL_QUESTION_H_
