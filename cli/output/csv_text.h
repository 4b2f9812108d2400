// Answers as CSV (RFC 4180: lines end in CR LF, the first one is of heads).
#ifndef FLEETQSHAPE_CLI_OUTPUT_CSV_TEXT_H_
#define FLEETQSHAPE_CLI_OUTPUT_CSV_TEXT_H_

#include <string>
#include <string_view>

#include "cli/output/fleet_table.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// A field as a spreadsheet takes it for text: printable (PrintableName), quoted if it has to be,
// and with an apostrophe before what would start a formula (= + - @).
std::string CsvField(std::string_view text);

// A line for TOTAL and for each row, of each group: row (total or row), name, group, count, median
// and oldest age in seconds, then the counts by age, each under the ages that it is of.
std::string TableCsv(const v1::TableRequest& asked, const FleetTable& answer);

// A line for each relay.
std::string RelaysCsv(const v1::ListRelaysResponse& relays);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_CSV_TEXT_H_
