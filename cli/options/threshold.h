// What --fail-if is given.
#ifndef FLEETQSHAPE_CLI_OPTIONS_THRESHOLD_H_
#define FLEETQSHAPE_CLI_OPTIONS_THRESHOLD_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/options.h"

namespace fleetqshape {

// FIGURE>LIMIT or FIGURE>=LIMIT: total, and a number of messages; or oldest, and a duration. Blanks
// around the parts do not matter. INVALID_ARGUMENT otherwise.
absl::StatusOr<Threshold> ParseThreshold(const std::string& text);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_THRESHOLD_H_
