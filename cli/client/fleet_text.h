// Failures of questions, in words. What comes from a server is made fit to be shown
// (PrintableName).
#ifndef FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_
#define FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_

#include <string>

#include "absl/status/status.h"

namespace fleetqshape {

// Why a question to `server` has no answer, and what to do.
std::string FailureText(const absl::Status& failure, const std::string& server);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_
