#include "aggregator/rpc/query_service.h"

#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/codec/section_codec.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/query.grpc.pb.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// A response carries about this many bytes of names and counts.
constexpr size_t kResponseBytes = size_t{256} << 10;
// More conditions than anybody types.
constexpr int kMaxConditions = 1000;

absl::StatusOr<Selection> ParseSelection(const v1::Selection& selection) {
  if (selection.clusters_size() > kMaxConditions || selection.hosts_size() > kMaxConditions ||
      selection.roles_size() > kMaxConditions || selection.matches_size() > kMaxConditions) {
    return absl::InvalidArgumentError("too many conditions");
  }
  Selection parsed;
  parsed.clusters = {selection.clusters().begin(), selection.clusters().end()};
  parsed.hosts = {selection.hosts().begin(), selection.hosts().end()};
  parsed.roles = {selection.roles().begin(), selection.roles().end()};
  for (const v1::Match& match : selection.matches()) {
    parsed.matches.emplace_back(match.key(), match.value());
  }
  return parsed;
}

absl::StatusOr<TableQuestion> ParseRequest(const v1::TableRequest& request) {
  TableQuestion question;
  FQS_ASSIGN_OR_RETURN(question.selection, ParseSelection(request.selection()));
  v1::Section section;  // the codec knows the numbers of queues and axes
  section.set_axis(request.axis());
  FQS_ASSIGN_OR_RETURN(question.axis, SectionAxis(section));
  for (int queue : request.queues()) {
    section.set_queue(static_cast<v1::Queue>(queue));
    FQS_ASSIGN_OR_RETURN(const Queue known, SectionQueue(section));
    question.queues.insert(known);
  }
  question.buckets = {request.bucket_count(), request.bucket_minutes(), request.linear()};
  question.rows = {request.parents(), request.min_subdomains()};
  if (request.at_seconds() != 0) question.at_seconds = request.at_seconds();
  return question;
}

void FillNotices(const std::vector<RelayNotice>& notices,
                 google::protobuf::RepeatedPtrField<v1::RelayNotice>* filled) {
  for (const RelayNotice& notice : notices) {
    v1::RelayNotice* one = filled->Add();
    one->set_cluster(notice.identity.cluster);
    one->set_host(notice.identity.host);
    one->set_instance(notice.identity.instance);
    one->set_silent_seconds(notice.silent_seconds);
    one->set_messages(notice.messages);
    one->set_damaged(notice.damaged);
  }
}

v1::TableHead MakeHead(const TableAnswer& answer) {
  v1::TableHead head;
  head.set_columns(static_cast<uint32_t>(answer.table.columns));
  head.mutable_total()->Add(answer.table.total.begin(), answer.table.total.end());
  head.mutable_coverage()->set_relays(static_cast<uint32_t>(answer.coverage.relays));
  head.mutable_coverage()->set_fresh(static_cast<uint32_t>(answer.coverage.fresh));
  FillNotices(answer.coverage.stale, head.mutable_coverage()->mutable_stale());
  FillNotices(answer.coverage.missing, head.mutable_coverage()->mutable_missing());
  head.mutable_coverage()->set_problem(answer.coverage.problem);
  head.set_at_seconds(answer.at_seconds);
  return head;
}

v1::Freshness FreshnessNumber(Freshness freshness) {
  switch (freshness) {
    case Freshness::kFresh:
      return v1::FRESHNESS_FRESH;
    case Freshness::kStale:
      return v1::FRESHNESS_STALE;
    case Freshness::kMissing:
      return v1::FRESHNESS_MISSING;
  }
  return v1::FRESHNESS_UNSPECIFIED;
}

void FillStatus(const RelayStatus& relay, v1::RelayStatus* filled) {
  const RelayDescription& description = *relay.description;
  filled->set_cluster(description.identity.cluster);
  filled->set_host(description.identity.host);
  filled->set_instance(description.identity.instance);
  for (const auto& [key, value] : description.labels) {
    v1::Label* label = filled->add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  filled->set_agent_version(description.agent_version);
  for (size_t i = 0; i < kAllQueues.size(); ++i) {
    v1::QueueMessages* queue = filled->add_queues();
    queue->set_queue(static_cast<v1::Queue>(kAllQueues[i]));
    queue->set_messages(relay.messages[i]);
  }
  if (relay.settings != nullptr) *filled->mutable_settings() = *relay.settings;
  if (relay.files != nullptr) *filled->mutable_files() = *relay.files;
  filled->set_heard_seconds(relay.heard_milliseconds / 1000);
  filled->set_clock_offset_milliseconds(relay.clock_offset_milliseconds);
  filled->set_connected(relay.connected);
  filled->set_freshness(FreshnessNumber(relay.freshness));
  filled->set_silent_seconds(relay.silent_seconds);
  filled->set_damaged(relay.damaged);
}

absl::Status TooManyRelays() {
  return absl::ResourceExhaustedError("the relays are too many for one answer: ask for fewer");
}

grpc::Status AnswerListRelays(const QueryEngine& engine, const Selection& selection,
                              v1::ListRelaysResponse* response) {
  const auto list = engine.ListRelays(selection);
  if (!list.ok()) return ToGrpcStatus(list.status());
  for (const RelayStatus& relay : list->relays) FillStatus(relay, response->add_relays());
  response->set_at_seconds(list->at_seconds);
  if (response->ByteSizeLong() > kMaxMessageBytes) return ToGrpcStatus(TooManyRelays());
  return grpc::Status::OK;
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

grpc::Status Busy() {
  return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                      "the aggregator is busy with other questions; ask again");
}

// Streams one answer. Owns itself until OnDone.
class TableStream final : public grpc::ServerWriteReactor<v1::TableResponse>,
                          public std::enable_shared_from_this<TableStream> {
 public:
  void Start(const QueryEngine& engine, WorkerPool& pool, const v1::TableRequest& request) {
    self_ = shared_from_this();
    auto question = ParseRequest(request);
    if (!question.ok()) {
      Finish(ToGrpcStatus(question.status()));
      return;
    }
    const bool taken = pool.Submit([stream = self_, &engine, question = *std::move(question)] {
      stream->Answer(engine, question);
    });
    if (!taken) Finish(Busy());
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::CANCELLED);
    } else if (next_row_ == table_.names.size()) {
      Finish(grpc::Status::OK);
    } else {
      response_.Clear();
      WriteRows();
    }
  }

  void OnDone() override { const std::shared_ptr<TableStream> last = std::move(self_); }

 private:
  void Answer(const QueryEngine& engine, const TableQuestion& question) {
    auto answer = engine.GetTable(question);
    if (!answer.ok()) {
      Finish(ToGrpcStatus(answer.status()));
      return;
    }
    *response_.mutable_head() = MakeHead(*answer);
    table_ = std::move(answer->table);
    WriteRows();
  }

  void WriteRows() {
    size_t bytes = 0;
    for (; next_row_ < table_.names.size() && bytes < kResponseBytes; ++next_row_) {
      bytes += table_.names[next_row_].size() + table_.columns;
      response_.add_names(std::move(table_.names[next_row_]));
      const uint64_t* row = table_.row(next_row_);
      response_.mutable_counts()->Add(row, row + table_.columns);
    }
    StartWrite(&response_);
  }

  std::shared_ptr<TableStream> self_;
  Table table_;
  size_t next_row_ = 0;
  v1::TableResponse response_;
};

class QueryService final : public v1::Query::CallbackService {
 public:
  QueryService(const QueryEngine* engine, IngestEngine* ingest, WorkerPool* pool)
      : engine_(*engine), ingest_(*ingest), pool_(*pool) {}

  grpc::ServerWriteReactor<v1::TableResponse>* GetTable(grpc::CallbackServerContext* /*context*/,
                                                        const v1::TableRequest* request) override {
    const auto stream = std::make_shared<TableStream>();
    stream->Start(engine_, pool_, *request);
    return stream.get();
  }

  grpc::ServerUnaryReactor* ListRelays(grpc::CallbackServerContext* context,
                                       const v1::ListRelaysRequest* request,
                                       v1::ListRelaysResponse* response) override {
    // gRPC keeps it, and the response, until Finish.
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    auto selection = ParseSelection(request->selection());
    if (!selection.ok()) {
      reactor->Finish(ToGrpcStatus(selection.status()));
      return reactor;
    }
    const bool taken = pool_.Submit([this, reactor, response, selection = *std::move(selection)] {
      reactor->Finish(AnswerListRelays(engine_, selection, response));
    });
    if (!taken) reactor->Finish(Busy());
    return reactor;
  }

  grpc::ServerUnaryReactor* ForgetRelays(grpc::CallbackServerContext* context,
                                         const v1::ForgetRelaysRequest* request,
                                         v1::ForgetRelaysResponse* response) override {
    // As above; the ingest engine may have to sync its disk before Finish.
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
    if (!pool_.Submit(forget)) reactor->Finish(Busy());
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
