#include "aggregator/rpc/ingest_service.h"

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/mutex.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/ingest.grpc.pb.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// More answers than this an agent does not leave unread: one report is under way at a time.
constexpr size_t kMaxUnread = 16;

// One agent's stream: carries messages between gRPC and a session. Lives until gRPC is done with it
// and the session has let it go: it owns itself until OnDone.
class AgentStream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::AggregatorMessage>,
                          public IngestSession::Transport,
                          public std::enable_shared_from_this<AgentStream> {
 public:
  AgentStream(IngestSessions* sessions, grpc::CallbackServerContext* context)
      : sessions_(*sessions), context_(*context), peer_(context->peer()) {}

  void Start() {
    self_ = shared_from_this();
    auto session = sessions_.Open(peer_, self_);
    if (!session.ok()) {
      sessions_.LogEnd("an agent", session.status());
      End(session.status());
      return;
    }
    session_ = *std::move(session);
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      session_->OnMessage(std::exchange(incoming_, v1::AgentMessage()));
    } else {
      // It tells nobody which of the two it was. No agent waits for the answer to the first.
      EndWith(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                           "the agent's end of the stream, or what is no message"));
    }
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    outgoing_.pop_front();
    if (!ok) outgoing_.clear();
    WriteNext();
  }

  void OnCancel() override { EndWith(grpc::Status::CANCELLED); }

  void OnDone() override {
    if (session_) session_->OnClosed();
    const std::shared_ptr<AgentStream> last = std::move(self_);
  }

  void Send(v1::AggregatorMessage message) override {
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      if (outgoing_.size() < kMaxUnread) {
        outgoing_.push_back(std::move(message));
        WriteNext();
        return;
      }
    }
    const absl::Status status = absl::ResourceExhaustedError("the agent does not read its answers");
    sessions_.LogEnd(absl::StrCat("agent at ", peer_), status);
    End(status);
  }

  void ReadOn() override {
    MutexLock lock(mutex_);
    if (!ended_) StartRead(&incoming_);
  }

  void End(const absl::Status& status) override { EndWith(ToGrpcStatus(status)); }

 private:
  void EndWith(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (std::exchange(ended_, true)) return;
    // Finish would come after what is being written, and that may take for ever: an agent need not
    // read it. Before Finish, since the context may go with the last reaction.
    if (writing_) context_.TryCancel();
    Finish(status);
  }

  // gRPC never runs a reaction from within StartWrite or Finish, so the lock may be held.
  void WriteNext() FQS_REQUIRES(mutex_) {
    if (writing_ || ended_ || outgoing_.empty()) return;
    writing_ = true;
    StartWrite(&outgoing_.front());
  }

  IngestSessions& sessions_;
  grpc::CallbackServerContext& context_;  // until OnDone
  const std::string peer_;
  std::shared_ptr<AgentStream> self_;
  std::shared_ptr<IngestSession> session_;
  v1::AgentMessage incoming_;

  Mutex mutex_;
  std::deque<v1::AggregatorMessage> outgoing_ FQS_GUARDED_BY(mutex_);
  bool writing_ FQS_GUARDED_BY(mutex_) = false;
  bool ended_ FQS_GUARDED_BY(mutex_) = false;
};

class IngestService final : public v1::Ingest::CallbackService {
 public:
  explicit IngestService(IngestSessions* sessions) : sessions_(sessions) {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::AggregatorMessage>* Connect(
      grpc::CallbackServerContext* context) override {
    auto stream = std::make_shared<AgentStream>(sessions_, context);
    stream->Start();
    return stream.get();
  }

 private:
  IngestSessions* const sessions_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeIngestService(IngestSessions* sessions) {
  return std::make_unique<IngestService>(sessions);
}

}  // namespace fleetqshape
