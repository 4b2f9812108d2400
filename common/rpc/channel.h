// gRPC settings that both ends of a connection share.
#ifndef FLEETQSHAPE_COMMON_RPC_CHANNEL_H_
#define FLEETQSHAPE_COMMON_RPC_CHANNEL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"

namespace grpc {
class Channel;
class ChannelCredentials;
class ServerBuilder;
class Status;
}  // namespace grpc

namespace fleetqshape {

// A message on the wire is never larger than this. Larger things travel in pieces.
inline constexpr int kMaxMessageBytes = 4 << 20;

// How long one attempt to connect may take: what a person waits for, and what an agent does, which
// tries again soon. A SYN that is lost is repeated by the kernel after 1 s, 3 s and 7 s: an attempt
// of 2.5 s has two, and a network that is whole again is noticed 1.5 s and a back-off later at the
// latest. It is still enough for a busy aggregator, to which a whole fleet comes back.
inline constexpr int kConnectMilliseconds = 10'000;
inline constexpr int kAgentConnectMilliseconds = 2500;

// Settings of the whole process, to be made before gRPC is first used; the functions here and in
// tls.h see to it.
void PrepareGrpc();

// A channel to HOST:PORT, which shares no connection with another one; without `credentials` (see
// tls.h) it is not encrypted. It finds out within 8 s that the other end went away without a word.
std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& address, int connect_milliseconds = kConnectMilliseconds,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials = nullptr);

// The other end's limits and time-outs.
void ApplyServerSettings(grpc::ServerBuilder* builder);

absl::Status ToAbslStatus(const grpc::Status& status);
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_RPC_CHANNEL_H_
