// What the words of the command line ask for: queues, or a command in their place.
#ifndef FLEETQSHAPE_CLI_OPTIONS_QUESTION_H_
#define FLEETQSHAPE_CLI_OPTIONS_QUESTION_H_

#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "cli/options.h"
#include "cli/options/command_line.h"

namespace fleetqshape {

// The words that may stand first.
std::vector<std::string> QueueWords();
std::vector<std::string> CommandWords();
// Those that may follow a command; none: queues.
std::vector<std::string> WordsAfter(const std::string& command);

// From the words in options->queues, which then has the queues, and from options->local. Of this
// machine's files they are queues, as for qshape. INVALID_ARGUMENT, with the nearest right word.
absl::Status FillQuestion(const CLI::App& app, CliOptions* options);

// Whether the options that were typed go with the question. INVALID_ARGUMENT if not.
absl::Status FitsQuestion(const CLI::App& app, const RawOptions& raw, const CliOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_QUESTION_H_
