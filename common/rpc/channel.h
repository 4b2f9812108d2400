// gRPC settings that both ends of a connection share.
#ifndef FLEETQSHAPE_COMMON_RPC_CHANNEL_H_
#define FLEETQSHAPE_COMMON_RPC_CHANNEL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"

namespace grpc {
class Channel;
class ServerBuilder;
class Status;
}  // namespace grpc

namespace fleetqshape {

// A message on the wire is never larger than this. Larger things travel in pieces.
inline constexpr int kMaxMessageBytes = 4 << 20;

// A channel to HOST:PORT, without encryption. It tries to connect again after at most a second, so
// that the caller's own back-off decides, and finds out within half a minute that the other end
// went away without a word.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

// The other end's limits and time-outs.
void ApplyServerSettings(grpc::ServerBuilder* builder);

absl::Status ToAbslStatus(const grpc::Status& status);
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_RPC_CHANNEL_H_
