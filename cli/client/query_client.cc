#include "cli/client/query_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/query.grpc.pb.h"

namespace fleetqshape {
namespace {

// Longer than the largest answer takes; who waits longer has another problem.
constexpr std::chrono::seconds kDeadline(30);

absl::Status NoSense(const std::string& server) {
  return absl::DataLossError(
      absl::StrCat("the answer of ", server,
                   " makes no sense: is it a fleetqshape-aggregator of this version?"));
}

}  // namespace

absl::StatusOr<FleetTable> AskForTable(const std::string& server, const v1::TableRequest& request) {
  const auto stub = v1::Query::NewStub(MakeChannel(server));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  const auto stream = stub->GetTable(&context, request);
  FleetTable answer;
  v1::TableResponse response;
  while (stream->Read(&response)) {
    if (!answer.Append(&response).ok()) {
      context.TryCancel();
      stream->Finish();
      return NoSense(server);
    }
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return ToAbslStatus(status);
  if (!answer.Finish().ok()) return NoSense(server);
  return answer;
}

absl::StatusOr<v1::ListRelaysResponse> AskForRelays(const std::string& server,
                                                    const v1::ListRelaysRequest& request) {
  const auto stub = v1::Query::NewStub(MakeChannel(server));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  const auto stream = stub->ListRelays(&context, request);
  v1::ListRelaysResponse relays;
  v1::ListRelaysResponse response;
  while (stream->Read(&response)) relays.MergeFrom(response);
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return ToAbslStatus(status);
  return relays;
}

absl::StatusOr<v1::ForgetRelaysResponse> AskToForget(const std::string& server,
                                                     const v1::ForgetRelaysRequest& request) {
  const auto stub = v1::Query::NewStub(MakeChannel(server));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  v1::ForgetRelaysResponse response;
  const grpc::Status status = stub->ForgetRelays(&context, request, &response);
  if (!status.ok()) return ToAbslStatus(status);
  return response;
}

}  // namespace fleetqshape
