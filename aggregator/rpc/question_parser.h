// Questions as messages, and as the query engine takes them.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_QUESTION_PARSER_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_QUESTION_PARSER_H_

#include "absl/status/statusor.h"
#include "aggregator/query/query_engine.h"
#include "aggregator/query/selection.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// INVALID_ARGUMENT: more conditions than anybody types.
absl::StatusOr<Selection> ParseSelection(const v1::Selection& selection);

// INVALID_ARGUMENT: as above, or a number that stands for nothing. Whether the question makes sense
// is for the engine to say.
absl::StatusOr<TableQuestion> ParseQuestion(const v1::TableRequest& request);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_QUESTION_PARSER_H_
