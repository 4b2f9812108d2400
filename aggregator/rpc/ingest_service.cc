#include "aggregator/rpc/ingest_service.h"

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "common/base/mutex.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/ingest.grpc.pb.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// A report beyond this is refused: several million recipients fit in.
constexpr size_t kMaxReportBytes = size_t{256} << 20;

// One agent's stream. Lives until gRPC is done with it and no outcome is on its way: it owns
// itself until OnDone, and outcomes hold it.
class AgentStream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::AggregatorMessage>,
                          public std::enable_shared_from_this<AgentStream> {
 public:
  AgentStream(IngestEngine* engine, std::string peer) : engine_(*engine), peer_(std::move(peer)) {}

  void Start() {
    self_ = shared_from_this();
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      End(grpc::Status::OK);
      return;
    }
    const absl::Status handled = Handle(incoming_);
    incoming_.Clear();
    if (!handled.ok()) {
      spdlog::warn("agent at {}: {}", peer_, std::string(handled.message()));
      End(ToGrpcStatus(handled));
      return;
    }
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    outgoing_.pop_front();
    if (!ok) outgoing_.clear();
    WriteNext();
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    if (relay_) engine_.Disconnect(*relay_);
    const std::shared_ptr<AgentStream> last = std::move(self_);
  }

 private:
  absl::Status Handle(v1::AgentMessage& message) {
    if (!relay_) {
      if (!message.has_hello()) {
        return absl::InvalidArgumentError("the stream does not start with a hello");
      }
      auto connection = engine_.Connect(message.hello(), peer_, message.clock_milliseconds());
      if (!connection.ok()) return connection.status();
      relay_ = connection->relay;
      Send(std::move(connection->welcome));
      return absl::OkStatus();
    }
    engine_.Heard(*relay_, message.clock_milliseconds());
    if (message.has_report_chunk()) return HandleChunk(message.report_chunk());
    if (message.has_hello()) return absl::InvalidArgumentError("a second hello");
    return absl::OkStatus();
  }

  absl::Status HandleChunk(const v1::ReportChunk& chunk) {
    if (report_bytes_.size() + chunk.data().size() > kMaxReportBytes) {
      return absl::ResourceExhaustedError("a report beyond the limit");
    }
    report_bytes_.append(chunk.data());
    if (!chunk.last()) return absl::OkStatus();
    v1::Report report;
    const bool parsed = report.ParseFromString(report_bytes_);
    report_bytes_ = std::string();
    if (!parsed) return absl::InvalidArgumentError("a report that does not parse");
    {
      MutexLock lock(mutex_);
      if (awaiting_outcome_)
        return absl::InvalidArgumentError("a report before the last one's end");
      awaiting_outcome_ = true;
    }
    engine_.Submit(*relay_, std::move(report), [self = shared_from_this()](auto outcome) {
      self->OnOutcome(std::move(outcome));
    });
    return absl::OkStatus();
  }

  void OnOutcome(IngestEngine::Outcome outcome) {
    {
      MutexLock lock(mutex_);
      awaiting_outcome_ = false;
    }
    if (outcome.ok()) {
      Send(*std::move(outcome));
    } else {
      End(ToGrpcStatus(outcome.status()));
    }
  }

  void Send(v1::AggregatorMessage message) {
    MutexLock lock(mutex_);
    if (ended_) return;
    outgoing_.push_back(std::move(message));
    WriteNext();
  }

  void End(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (std::exchange(ended_, true)) return;
    Finish(status);
  }

  // gRPC never runs a reaction from within StartWrite or Finish, so the lock may be held.
  void WriteNext() FQS_REQUIRES(mutex_) {
    if (writing_ || ended_ || outgoing_.empty()) return;
    writing_ = true;
    StartWrite(&outgoing_.front());
  }

  IngestEngine& engine_;
  const std::string peer_;
  std::shared_ptr<AgentStream> self_;

  // For the reactions, which gRPC runs one after the other.
  v1::AgentMessage incoming_;
  std::optional<RelayId> relay_;
  std::string report_bytes_;

  Mutex mutex_;
  std::deque<v1::AggregatorMessage> outgoing_ FQS_GUARDED_BY(mutex_);
  bool writing_ FQS_GUARDED_BY(mutex_) = false;
  bool ended_ FQS_GUARDED_BY(mutex_) = false;
  bool awaiting_outcome_ FQS_GUARDED_BY(mutex_) = false;
};

class IngestService final : public v1::Ingest::CallbackService {
 public:
  explicit IngestService(IngestEngine* engine) : engine_(engine) {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::AggregatorMessage>* Connect(
      grpc::CallbackServerContext* context) override {
    auto stream = std::make_shared<AgentStream>(engine_, context->peer());
    stream->Start();
    return stream.get();
  }

 private:
  IngestEngine* const engine_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeIngestService(IngestEngine* engine) {
  return std::make_unique<IngestService>(engine);
}

}  // namespace fleetqshape
