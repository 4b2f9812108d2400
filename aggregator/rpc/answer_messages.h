// Answers of the query engine as messages.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_ANSWER_MESSAGES_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_ANSWER_MESSAGES_H_

#include "aggregator/query/query_engine.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// All of the answer but its rows.
v1::TableHead MakeHead(const TableAnswer& answer);

void FillStatus(const RelayStatus& relay, v1::RelayStatus* filled);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_ANSWER_MESSAGES_H_
