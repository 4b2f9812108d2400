#include "common/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/status.h>

#include <cstdlib>

#include "absl/synchronization/mutex.h"

namespace fleetqshape {
namespace {

// Both ends ask whether the other one is there when nothing came from it for this long, and give it
// up when no answer comes in time; data that the other end's kernel does not confirm is given the
// same time (TCP_USER_TIMEOUT, which gRPC sets to it). So a network that fails without a word is
// noticed within 8 s. The aggregator has to notice as fast: it refuses an agent's new stream while
// it takes the old one to be alive. One question answers both ends, so 10,000 idle agents make
// 2,000 small packets a second each way.
constexpr int kKeepaliveMilliseconds = 5000;
constexpr int kKeepaliveTimeoutMilliseconds = 3000;

template <typename Set>
void SetKeepalive(const Set& set) {
  set(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  // Without this nobody asks a third time unless it has something to send.
  set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

}  // namespace

void PrepareGrpc() {
  // What goes wrong is said once, by us. Whoever wants gRPC's own words sets this variable.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  // Debian's Abseil is built with assertions, and so notes in which order gRPC's mutexes are taken:
  // in one graph, behind one lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& address, int connect_milliseconds,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  PrepareGrpc();
  grpc::ChannelArguments arguments;
  // This is how long one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, connect_milliseconds);
  // And looking up the name.
  arguments.SetInt(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, connect_milliseconds);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // Whether to try again, and when, is for the caller to decide, who makes a new channel; what
  // became of other channels to the address says nothing about this one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  SetKeepalive([&arguments](const char* name, int value) { arguments.SetInt(name, value); });
  // A relay that is told to use a proxy for the web must not send its queue through it.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return grpc::CreateCustomChannel(
      address, credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials,
      arguments);
}

void ApplyServerSettings(grpc::ServerBuilder* builder) {
  PrepareGrpc();
  builder->SetMaxReceiveMessageSize(kMaxMessageBytes);
  // A megabyte of compressed zeros would be inflated before any limit looks at it.
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  SetKeepalive(
      [builder](const char* name, int value) { builder->AddChannelArgument(name, value); });
  // An agent that asks that often means no harm.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kKeepaliveMilliseconds / 2);
  // Two aggregators must not share a port by mistake.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

absl::Status ToAbslStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace fleetqshape
