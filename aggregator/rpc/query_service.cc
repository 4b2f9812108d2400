#include "aggregator/rpc/query_service.h"

#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/rpc/answer_messages.h"
#include "aggregator/rpc/question_parser.h"
#include "aggregator/rpc/relay_list_stream.h"
#include "aggregator/rpc/table_stream.h"
#include "common/base/status_macros.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/query.grpc.pb.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

absl::Status TooManyRelays() {
  return absl::ResourceExhaustedError("the relays are too many for one answer: ask for fewer");
}

// The relays of a call to forget some, by what is to become of them.
struct Leaving {
  std::vector<RelayStatus> leaving;
  std::vector<RelayStatus> connected;
  std::vector<RelayStatus> stranded;
};

// What its queues held is mail that waits somewhere, and nobody else knows of it.
bool IsStranded(const RelayStatus& relay) {
  return relay.damaged || std::any_of(relay.messages.begin(), relay.messages.end(),
                                      [](uint64_t messages) { return messages > 0; });
}

// Errors as of ForgetRelays.
absl::StatusOr<Leaving> ChooseLeaving(const QueryEngine& engine, const Selection& selection,
                                      bool stranded_too) {
  if (selection.empty()) {
    return absl::InvalidArgumentError(
        "which relays are to be forgotten? The selection has no condition");
  }
  FQS_ASSIGN_OR_RETURN(RelayList list, engine.ListRelays(selection));
  // All have to fit into the response, which comes when it is too late to refuse.
  v1::ListRelaysResponse all;
  for (const RelayStatus& relay : list.relays) FillStatus(relay, all.add_relays());
  if (all.ByteSizeLong() > kMaxMessageBytes) return TooManyRelays();
  Leaving leaving;
  for (RelayStatus& relay : list.relays) {
    if (relay.connected) {
      leaving.connected.push_back(std::move(relay));
    } else if (IsStranded(relay) && !stranded_too) {
      leaving.stranded.push_back(std::move(relay));
    } else {
      leaving.leaving.push_back(std::move(relay));
    }
  }
  return leaving;
}

// Adds relays by their names.
void FillSorted(std::vector<const RelayStatus*> relays,
                google::protobuf::RepeatedPtrField<v1::RelayStatus>* filled) {
  std::sort(relays.begin(), relays.end(), [](const auto* a, const auto* b) {
    return a->description->identity < b->description->identity;
  });
  for (const RelayStatus* relay : relays) FillStatus(*relay, filled->Add());
}

// What became of them. Those that were forgotten meanwhile by another call are in no list.
void FillForgotten(const Leaving& relays, const IngestEngine::Forgotten& done,
                   v1::ForgetRelaysResponse* response) {
  const std::set<RelayId> forgotten(done.forgotten.begin(), done.forgotten.end());
  const std::set<RelayId> connected(done.connected.begin(), done.connected.end());
  const std::set<RelayId> stranded(done.with_messages.begin(), done.with_messages.end());
  std::vector<const RelayStatus*> reporting;
  std::vector<const RelayStatus*> staying;
  for (const RelayStatus& relay : relays.connected) reporting.push_back(&relay);
  for (const RelayStatus& relay : relays.stranded) staying.push_back(&relay);
  for (const RelayStatus& relay : relays.leaving) {
    if (forgotten.contains(relay.id)) FillStatus(relay, response->add_forgotten());
    if (connected.contains(relay.id)) reporting.push_back(&relay);
    if (stranded.contains(relay.id)) staying.push_back(&relay);
  }
  FillSorted(std::move(reporting), response->mutable_connected());
  for (v1::RelayStatus& relay : *response->mutable_connected()) relay.set_connected(true);
  FillSorted(std::move(staying), response->mutable_stranded());
}

// `peer` asks for it. Calls `finish` once, maybe later from the ingest engine's thread.
void ForgetSelected(const QueryEngine& engine, IngestEngine& ingest, const Selection& selection,
                    bool stranded_too, const std::string& peer, v1::ForgetRelaysResponse* response,
                    std::function<void(const grpc::Status&)> finish) {
  auto chosen = ChooseLeaving(engine, selection, stranded_too);
  if (!chosen.ok()) {
    finish(ToGrpcStatus(chosen.status()));
    return;
  }
  std::vector<RelayId> ids;
  for (const RelayStatus& relay : chosen->leaving) ids.push_back(relay.id);
  const auto on_forgotten = [relays = *std::move(chosen), peer, response,
                             finish = std::move(finish)](const auto& done) {
    if (!done.ok()) {
      // UNAVAILABLE is what clients get when no aggregator answers.
      finish(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                          absl::StrCat("nothing was forgotten: ", done.status().message())));
      return;
    }
    FillForgotten(relays, *done, response);
    for (const v1::RelayStatus& relay : response->forgotten()) {
      spdlog::warn("relay {}/{}/{} is forgotten: {} asked for it", relay.cluster(), relay.host(),
                   relay.instance(), peer);
    }
    finish(grpc::Status::OK);
  };
  // It may get messages yet.
  ingest.Forget(std::move(ids), on_forgotten, /*with_messages=*/stranded_too);
}

class QueryService final : public v1::Query::CallbackService {
 public:
  QueryService(const QueryEngine* engine, IngestEngine* ingest, WorkerPool* pool)
      : engine_(*engine), ingest_(*ingest), pool_(*pool) {}

  grpc::ServerWriteReactor<v1::TableResponse>* GetTable(grpc::CallbackServerContext* /*context*/,
                                                        const v1::TableRequest* request) override {
    const auto stream = std::make_shared<TableStream>(&engine_, request);
    stream->Start(&pool_);
    return stream.get();
  }

  grpc::ServerWriteReactor<v1::ListRelaysResponse>* ListRelays(
      grpc::CallbackServerContext* /*context*/, const v1::ListRelaysRequest* request) override {
    const auto stream = std::make_shared<RelayListStream>(&engine_, request);
    stream->Start(&pool_);
    return stream.get();
  }

  grpc::ServerUnaryReactor* ForgetRelays(grpc::CallbackServerContext* context,
                                         const v1::ForgetRelaysRequest* request,
                                         v1::ForgetRelaysResponse* response) override {
    // gRPC keeps it, and the response, until Finish, for which the disk may have to be synced.
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    auto selection = ParseSelection(request->selection());
    if (!selection.ok()) {
      reactor->Finish(ToGrpcStatus(selection.status()));
      return reactor;
    }
    const auto forget = [this, reactor, response, selection = *std::move(selection),
                         stranded = request->stranded(), peer = context->peer()] {
      ForgetSelected(engine_, ingest_, selection, stranded, peer, response,
                     [reactor](const grpc::Status& status) { reactor->Finish(status); });
    };
    if (!pool_.Submit(forget)) reactor->Finish(ToGrpcStatus(BusyError()));
    return reactor;
  }

 private:
  const QueryEngine& engine_;
  IngestEngine& ingest_;
  WorkerPool& pool_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeQueryService(const QueryEngine* engine, IngestEngine* ingest,
                                                WorkerPool* pool) {
  return std::make_unique<QueryService>(engine, ingest, pool);
}

}  // namespace fleetqshape
