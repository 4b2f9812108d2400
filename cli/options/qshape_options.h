// The options that qshape has, read as Perl reads them.
#ifndef FLEETQSHAPE_CLI_OPTIONS_QSHAPE_OPTIONS_H_
#define FLEETQSHAPE_CLI_OPTIONS_QSHAPE_OPTIONS_H_

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "cli/options.h"
#include "cli/options/command_line.h"

namespace fleetqshape {

// Values that qshape would warn about get a warning on standard error and leave the default in
// place, as there. INVALID_ARGUMENT for what would make no table.
absl::Status FillQshapeOptions(const CLI::App& app, const RawOptions& raw, CliOptions* options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_QSHAPE_OPTIONS_H_
