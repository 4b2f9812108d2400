// fleetqshape-aggregator --check: says whether a store is sound.
#ifndef FLEETQSHAPE_AGGREGATOR_CHECK_COMMAND_H_
#define FLEETQSHAPE_AGGREGATOR_CHECK_COMMAND_H_

#include <string>

namespace fleetqshape {

// Prints a line for each problem and a summary, and returns the exit status: 0 if the store is
// sound, 1 if it is not or can't be checked.
int RunCheck(const std::string& directory);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_CHECK_COMMAND_H_
