// Answers in the text format that Prometheus reads, for a file of its node exporter.
#ifndef FLEETQSHAPE_CLI_OUTPUT_PROMETHEUS_TEXT_H_
#define FLEETQSHAPE_CLI_OUTPUT_PROMETHEUS_TEXT_H_

#include <cstddef>
#include <string>

#include "cli/output/fleet_table.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// So many rows get series of their own if no other number is asked for: names from the mail are
// without end.
inline constexpr size_t kPrometheusRows = 20;

// TOTAL and the first `rows` rows (0: all), of each group.
std::string TablePrometheus(const v1::TableRequest& asked, const FleetTable& answer, size_t rows);

std::string RelaysPrometheus(const v1::ListRelaysResponse& relays);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_PROMETHEUS_TEXT_H_
