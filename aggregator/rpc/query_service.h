// The gRPC service that people ask.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_

#include <memory>

#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/query/query_engine.h"
#include "aggregator/query/worker_pool.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace fleetqshape {

// All outlive the service. Questions are answered on the pool's threads; relays are forgotten by
// the ingest engine, which has to work as long as there are calls.
std::unique_ptr<grpc::Service> MakeQueryService(const QueryEngine* engine, IngestEngine* ingest,
                                                WorkerPool* pool);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_
