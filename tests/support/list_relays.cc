// list_relays: what an aggregator says of each relay, as JSON.
//
//   list_relays QUERY_ADDRESS
//
// Prints the ListRelaysResponse to standard output, with every field, named as in the schema. Exit
// status 1, and the error on standard error, if there is no answer.

#include <google/protobuf/util/json_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "common/rpc/channel.h"
#include "fleetqshape/v1/query.grpc.pb.h"

namespace {

constexpr std::chrono::seconds kPatience(20);

int ListRelays(const std::string& server) {
  const auto stub = fleetqshape::v1::Query::NewStub(fleetqshape::MakeChannel(server));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  fleetqshape::v1::ListRelaysResponse response;
  fleetqshape::v1::ListRelaysResponse part;
  const auto stream = stub->ListRelays(&context, {});
  while (stream->Read(&part)) response.MergeFrom(part);
  const grpc::Status status = stream->Finish();
  if (!status.ok()) {
    std::fprintf(stderr, "list_relays: %s\n", status.error_message().c_str());
    return 1;
  }
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(response, &json, options).ok()) return 1;
  std::printf("%s\n", json.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: list_relays QUERY_ADDRESS\n");
    return 2;
  }
  return ListRelays(argv[1]);
}
