#include "aggregator/rpc/query_service.h"

#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <utility>

#include "common/base/status_macros.h"
#include "common/codec/section_codec.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/query.grpc.pb.h"

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

grpc::Status AnswerListRelays(const QueryEngine& engine, const Selection& selection,
                              v1::ListRelaysResponse* response) {
  const auto list = engine.ListRelays(selection);
  if (!list.ok()) return ToGrpcStatus(list.status());
  for (const RelayStatus& relay : list->relays) FillStatus(relay, response->add_relays());
  response->set_at_seconds(list->at_seconds);
  if (response->ByteSizeLong() > kMaxMessageBytes) {
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                        "the relays are too many for one answer: ask for fewer");
  }
  return grpc::Status::OK;
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
  QueryService(const QueryEngine* engine, WorkerPool* pool) : engine_(*engine), pool_(*pool) {}

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

 private:
  const QueryEngine& engine_;
  WorkerPool& pool_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeQueryService(const QueryEngine* engine, WorkerPool* pool) {
  return std::make_unique<QueryService>(engine, pool);
}

}  // namespace fleetqshape
