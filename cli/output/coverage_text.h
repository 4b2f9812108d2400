// What an answer covers, in words. What comes from a server is made fit to be shown
// (PrintableName).
#ifndef FLEETQSHAPE_CLI_OUTPUT_COVERAGE_TEXT_H_
#define FLEETQSHAPE_CLI_OUTPUT_COVERAGE_TEXT_H_

#include <string>
#include <vector>

#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// A line that says how many relays there are, and which are not fresh; and one for each thing that
// is worth knowing beside: relays that a comparison leaves out, files that are not counted, clocks
// that differ, a problem that the aggregator has.
std::vector<std::string> CoverageLines(const v1::Coverage& coverage);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_COVERAGE_TEXT_H_
