// Reports from their bytes.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_PARSER_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_PARSER_H_

#include <string>

#include "absl/status/statusor.h"
#include "fleetqshape/v1/report.pb.h"

namespace fleetqshape {

// INVALID_ARGUMENT if the bytes are no report, or one that would take far more memory than they do:
// an unknown field takes two bytes, and ten times as many when it is parsed.
absl::StatusOr<v1::PackedReport> ParseReport(const std::string& bytes);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_PARSER_H_
