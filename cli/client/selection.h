// Which relays a question is about, as an aggregator is told.
#ifndef FLEETQSHAPE_CLI_CLIENT_SELECTION_H_
#define FLEETQSHAPE_CLI_CLIENT_SELECTION_H_

#include "cli/options.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

v1::Selection SelectionOf(const CliOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_SELECTION_H_
