// The gRPC service that people ask.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_

#include <memory>

#include "aggregator/query/query_engine.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace fleetqshape {

// `engine` outlives the service.
std::unique_ptr<grpc::Service> MakeQueryService(const QueryEngine* engine);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_QUERY_SERVICE_H_
