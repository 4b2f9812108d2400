// What names and addresses may look like.
#ifndef FLEETQSHAPE_COMMON_BASE_VALIDATION_H_
#define FLEETQSHAPE_COMMON_BASE_VALIDATION_H_

#include <string_view>

#include "absl/status/status.h"

namespace fleetqshape {

// INVALID_ARGUMENT unless `name`, called `what` in the message, is 1 to 253 letters, digits and
// ".-_:" only. Clusters, hosts, instances and labels are such names, so that they can be shown
// anywhere as they are.
absl::Status ValidateName(std::string_view what, std::string_view name);

// INVALID_ARGUMENT unless `address` is HOST:PORT ("[::1]:7777" for a numeric IPv6 host).
absl::Status ValidateAddress(std::string_view what, std::string_view address);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_VALIDATION_H_
