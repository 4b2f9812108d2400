// The gRPC service that people ask.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_

#include <memory>

#include "aggregator/query/query_engine.h"
#include "aggregator/query/worker_pool.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace fleetqshape {

// Both outlive the service; questions are answered on the pool's threads.
std::unique_ptr<grpc::Service> MakeQueryService(const QueryEngine* engine, WorkerPool* pool);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_
