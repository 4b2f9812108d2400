// Failures of questions, in words. What comes from a server is made fit to be shown
// (PrintableName).
#ifndef FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_
#define FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_

#include <string>

#include "absl/status/status.h"

namespace fleetqshape {

// Why a question to `server` has no answer, and what to do. `trouble`: why there is no connection,
// as far as we know; what gRPC says of one is for those who know gRPC.
std::string FailureText(const absl::Status& failure, const std::string& server,
                        const std::string& trouble = "");

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_
