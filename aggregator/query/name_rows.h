// Tables whose rows are names.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_NAME_ROWS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_NAME_ROWS_H_

#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet_names.h"
#include "aggregator/query/answer.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/question.h"
#include "aggregator/query/scan.h"
#include "aggregator/query/taken_names.h"

namespace fleetqshape {

// The rows of the answer, TOTAL and ages; all else is left as it is. RESOURCE_EXHAUSTED: a table
// that would not fit into memory.
absl::Status AnswerByNames(const TableQuestion& question, const Scan& scan, const TakenNames& taken,
                           const FleetNames& names, const Crew& crew, TableAnswer* answer);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_NAME_ROWS_H_
