// Ages as people write them.
#ifndef FLEETQSHAPE_CLI_OPTIONS_DURATION_H_
#define FLEETQSHAPE_CLI_OPTIONS_DURATION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace fleetqshape {

// The seconds that `text` says: 90, 45s, 30m, 4h, 2d, 1w, or units from the largest to the
// smallest, each once, as 1h30m. INVALID_ARGUMENT for anything else, called `what` in the message,
// and for more than a century.
absl::StatusOr<int64_t> ParseDuration(const std::string& what, std::string_view text);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_DURATION_H_
