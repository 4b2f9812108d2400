// `fleetqshape context`: shows the contexts of the configuration file, and changes the current one.
#ifndef FLEETQSHAPE_CLI_OPTIONS_CONTEXT_COMMAND_H_
#define FLEETQSHAPE_CLI_OPTIONS_CONTEXT_COMMAND_H_

#include <string>
#include <vector>

#include "cli/options.h"

namespace fleetqshape {

// Prints the contexts of options.config_file to standard output. Returns the exit status.
int ListContexts(const CliOptions& options);

// The names of those contexts; none if the file cannot be read.
std::vector<std::string> ContextNames(const CliOptions& options);

// Makes options.arguments[0] the current one. The file is replaced at once by a whole new one with
// the same mode; where it is a symbolic link, the file that it leads to. Returns the exit status.
int UseContext(const CliOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_CONTEXT_COMMAND_H_
