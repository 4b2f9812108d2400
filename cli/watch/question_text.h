// What is watched, in words.
#ifndef FLEETQSHAPE_CLI_WATCH_QUESTION_TEXT_H_
#define FLEETQSHAPE_CLI_WATCH_QUESTION_TEXT_H_

#include <string>

#include "cli/options.h"

namespace fleetqshape {

// Of what there is a table: "recipients by domain in deferred", "messages by host in hold, active".
std::string QuestionText(const CliOptions& options);

// Which part of the fleet and of its mail: "cluster eu, role gateway, older than 4h"; empty: all.
std::string SelectionText(const CliOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_QUESTION_TEXT_H_
