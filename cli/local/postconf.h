// Asks Postfix where its queue is.
#ifndef FLEETQSHAPE_CLI_LOCAL_POSTCONF_H_
#define FLEETQSHAPE_CLI_LOCAL_POSTCONF_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/postfix/record_reader.h"

namespace fleetqshape {

// The queue_directory of the instance that `config_directory` configures (empty: Postfix's own
// choice), as postconf(1) prints it. kPostfix: with $name expanded; kQshape: FAILED_PRECONDITION if
// there is anything to expand. UNAVAILABLE if postconf can't be run or fails.
absl::StatusOr<std::string> QueueDirectory(const std::string& config_directory,
                                           postfix::Dialect dialect);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_LOCAL_POSTCONF_H_
