// Tables whose rows are relays, hosts, clusters, queues or labels.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_RELAY_ROWS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_RELAY_ROWS_H_

#include "absl/status/status.h"
#include "aggregator/query/answer.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/question.h"
#include "aggregator/query/scan.h"
#include "aggregator/query/taken_names.h"

namespace fleetqshape {

// As AnswerByNames, for a question with `rows_by`. INVALID_ARGUMENT: a label that no relay has.
// A row is there for each relay's value, and each queue that is asked for, also where it counts
// nothing.
absl::Status AnswerByRelays(const TableQuestion& question, const Scan& scan,
                            const TakenNames& taken, const Crew& crew, TableAnswer* answer);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_RELAY_ROWS_H_
