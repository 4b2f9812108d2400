// Asks an aggregator.
#ifndef FLEETQSHAPE_CLI_CLIENT_QUERY_CLIENT_H_
#define FLEETQSHAPE_CLI_CLIENT_QUERY_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/output/fleet_table.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// The whole answer. UNAVAILABLE: no aggregator answers at `server` (HOST:PORT); other errors are
// the aggregator's, or DATA_LOSS for an answer that makes no sense.
absl::StatusOr<FleetTable> AskForTable(const std::string& server, const v1::TableRequest& request);

// The relays that match. Errors as above.
absl::StatusOr<v1::ListRelaysResponse> AskForRelays(const std::string& server,
                                                    const v1::ListRelaysRequest& request);

// Lets the aggregator forget relays. Errors as above; after DEADLINE_EXCEEDED it may do so yet.
absl::StatusOr<v1::ForgetRelaysResponse> AskToForget(const std::string& server,
                                                     const v1::ForgetRelaysRequest& request);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_QUERY_CLIENT_H_
