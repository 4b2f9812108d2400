// Reads what fleetqshape is asked from the command line, the environment and the configuration
// file.
#ifndef FLEETQSHAPE_CLI_OPTIONS_PARSE_H_
#define FLEETQSHAPE_CLI_OPTIONS_PARSE_H_

#include <optional>
#include <variant>

#include "cli/options.h"
#include "common/options/layered_options.h"

namespace fleetqshape {

// The options, or what there is to say if there is nothing to do (--help, --version, wrong use).
// Values that qshape would warn about get a warning on standard error and leave the default in
// place, as there.
std::variant<CliOptions, ParseEnd> ReadCliOptions(int argc, const char* const* argv);

// As above; what there is to say is printed, and `exit_status` is what to exit with.
std::optional<CliOptions> ParseCliOptions(int argc, const char* const* argv, int* exit_status);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_PARSE_H_
