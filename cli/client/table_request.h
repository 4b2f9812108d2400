// A question about mail, as an aggregator is asked it.
#ifndef FLEETQSHAPE_CLI_CLIENT_TABLE_REQUEST_H_
#define FLEETQSHAPE_CLI_CLIENT_TABLE_REQUEST_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/client/query_client.h"
#include "cli/options.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// `on_terminal`: standard output is one, and so -n counts. The order by a group whose number only
// the aggregator knows is not set yet; see AskForTable.
v1::TableRequest TableRequestOf(const CliOptions& options, bool on_terminal);

// True if --sort names a group, and --compare does not name them all.
bool SortsByUnknownGroup(const CliOptions& options);

// Asks `request`, which is TableRequestOf(options, ...). Where the rows are sorted by a group whose
// number is not known it is asked for first; INVALID_ARGUMENT if there is no such group. Other
// errors are the client's.
absl::StatusOr<FleetTable> AskForTable(const CliOptions& options, v1::TableRequest request,
                                       QueryClient* client);

// The relays that the answer to `asked` is about, if it shows how full their queues are. Without
// them, which is also what an error gives, it does without that.
std::optional<v1::ListRelaysResponse> AskForRelays(const CliOptions& options,
                                                   const v1::TableRequest& asked,
                                                   QueryClient* client);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_TABLE_REQUEST_H_
