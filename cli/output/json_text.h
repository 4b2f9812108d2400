// Answers as JSON, for programs. docs/json.md says what is in it.
#ifndef FLEETQSHAPE_CLI_OUTPUT_JSON_TEXT_H_
#define FLEETQSHAPE_CLI_OUTPUT_JSON_TEXT_H_

#include <string>

#include "cli/output/fleet_table.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// `asked` is the question that was answered. The text ends with a newline.
std::string TableJson(const v1::TableRequest& asked, const FleetTable& answer);
std::string RelaysJson(const v1::ListRelaysResponse& relays);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_JSON_TEXT_H_
