// An aggregator's query address, as people give it.
#ifndef FLEETQSHAPE_CLI_OPTIONS_SERVER_H_
#define FLEETQSHAPE_CLI_OPTIONS_SERVER_H_

#include <string>

#include "absl/status/status.h"

namespace fleetqshape {

// The port that our documents, and so most aggregators, have for questions. It is no default: the
// same host has another one that agents report to, and a wrong guess would be hard to see.
inline constexpr int kUsualQueryPort = 7778;

// INVALID_ARGUMENT, with what to write, unless `server` is HOST:PORT. The message calls it `what`.
absl::Status CheckServer(const std::string& what, const std::string& server);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_SERVER_H_
