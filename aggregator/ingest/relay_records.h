// A relay's description, as agents send it and as it is stored.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_RECORDS_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_RECORDS_H_

#include <memory>

#include "absl/status/status.h"
#include "aggregator/ingest/fleet.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/store.pb.h"

namespace fleetqshape {

// INVALID_ARGUMENT, with what is wrong, unless the hello is one that this version takes: all of its
// names are sound then.
absl::Status ValidateHello(const v1::Hello& hello);

std::shared_ptr<const RelayDescription> DescriptionOf(const v1::Hello& hello);
std::shared_ptr<const RelayDescription> DescriptionOf(const v1::StoredRelay& record);

// What a record says of the relay's reports.
v1::StoredRelay RecordOf(const RelayState& state);
// Fills in what a record says of the relay beside its reports.
void DescribeRelay(const RelayView& view, v1::StoredRelay* record);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_RECORDS_H_
