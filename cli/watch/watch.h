// Asks a fleet again and again, and shows the answers in place (--watch, top).
#ifndef FLEETQSHAPE_CLI_WATCH_WATCH_H_
#define FLEETQSHAPE_CLI_WATCH_WATCH_H_

#include "cli/options.h"
#include "common/base/clock.h"

namespace fleetqshape {

// Until a key or a signal ends it. Returns the exit status: 2 if there is no terminal for it, 1 if
// the first question has no answer; what it is then stands on standard error. Ends by the signal
// that ended it, as if it had not been taken.
int WatchFleet(const CliOptions& options, const Clock& clock);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_WATCH_H_
