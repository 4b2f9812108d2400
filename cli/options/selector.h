// What --select is given: conditions on relays' labels in the syntax of Kubernetes' label
// selectors.
#ifndef FLEETQSHAPE_CLI_OPTIONS_SELECTOR_H_
#define FLEETQSHAPE_CLI_OPTIONS_SELECTOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/options.h"

namespace fleetqshape {

// Conditions, separated by commas, of which all must hold: KEY=VALUE, KEY==VALUE, KEY!=VALUE,
// KEY in (VALUE,...), KEY notin (VALUE,...), KEY (has the label), !KEY (has it not). Blanks between
// the parts do not matter. INVALID_ARGUMENT otherwise.
absl::StatusOr<std::vector<LabelMatch>> ParseSelector(const std::string& text);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_SELECTOR_H_
