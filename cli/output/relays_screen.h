// The relays of a fleet, as a table for people; and whether all is well with them.
#ifndef FLEETQSHAPE_CLI_OUTPUT_RELAYS_SCREEN_H_
#define FLEETQSHAPE_CLI_OUTPUT_RELAYS_SCREEN_H_

#include <cstddef>
#include <string>

#include "cli/output/screen_text.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// A line of heads, and one a relay. Onto a terminal of so many columns (0: none) come as many as
// fit; these go first, in this order: the versions, the time of the last report, instance, skipped
// files, clock, maildrop, hold, role, incoming, cluster, full, lag, deferred, active.
ScreenText RelaysScreen(const v1::ListRelaysResponse& relays, size_t screen_columns);

// One line for monitoring, with performance data as Nagios takes it: OK if all relays are fresh,
// else UNKNOWN, and which are not.
struct RelaysCheck {
  bool all_fresh = false;
  std::string line;
};
RelaysCheck CheckRelays(const v1::ListRelaysResponse& relays);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_RELAYS_SCREEN_H_
