// The gRPC service that agents report to.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_INGEST_SERVICE_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_INGEST_SERVICE_H_

#include <memory>

#include "aggregator/ingest/ingest_sessions.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace fleetqshape {

// `sessions` outlive the service. All that comes in is untrusted: a stream that breaks the protocol
// or a limit is ended with an error.
std::unique_ptr<grpc::Service> MakeIngestService(IngestSessions* sessions);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_INGEST_SERVICE_H_
