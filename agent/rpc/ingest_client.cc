#include "agent/rpc/ingest_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <deque>
#include <iterator>
#include <utility>

#include "common/base/mutex.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/ingest.grpc.pb.h"

namespace fleetqshape {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A stream that is cancelled is over at once, but for one whose connection has a write under way
// that the other end does not take: gRPC keeps it until the connection is given up.
constexpr milliseconds kLongestWaitForEnd(500);

}  // namespace

// Lives until gRPC is done with it, and ends in a thread that is not gRPC's: with the last
// connection of a process gRPC waits for the end of its own threads (CallbackAlternativeCQ,
// gRPC 1.51).
class IngestClient::Stream final
    : public grpc::ClientBidiReactor<v1::AgentMessage, v1::AggregatorMessage> {
 public:
  Stream(const std::string& address, std::function<void()> wake)
      : channel_(MakeChannel(address, kAgentConnectMilliseconds)),
        stub_(v1::Ingest::NewStub(channel_)),
        wake_(std::move(wake)) {}

  void Start() {
    MutexLock lock(mutex_);
    stub_->async()->Connect(&context_, this);
    AddHold();  // for what Send and TakeMessage start
    StartRead(&incoming_);
    StartCall();
  }

  std::optional<v1::AggregatorMessage> TakeMessage() {
    MutexLock lock(mutex_);
    if (!has_message_) return std::nullopt;
    has_message_ = false;
    v1::AggregatorMessage message = std::exchange(incoming_, v1::AggregatorMessage());
    StartRead(&incoming_);
    return message;
  }

  std::optional<absl::Status> TakeClosed() {
    MutexLock lock(mutex_);
    return std::exchange(closed_, std::nullopt);
  }

  bool WantsMore() {
    MutexLock lock(mutex_);
    return !over_ && outgoing_.empty();
  }

  void Send(std::vector<v1::AgentMessage> messages) {
    MutexLock lock(mutex_);
    if (over_) return;
    outgoing_.insert(outgoing_.end(), std::make_move_iterator(messages.begin()),
                     std::make_move_iterator(messages.end()));
    WriteNext();
  }

  // Nobody listens any more.
  void Cancel() {
    {
      MutexLock lock(mutex_);
      wake_ = nullptr;
      if (has_message_) EndReads();  // no read is under way that would end
      has_message_ = false;
    }
    context_.TryCancel();
  }

  // Whether gRPC is done with it; looks again until then, or the deadline.
  bool WaitUntilDone(steady_clock::time_point deadline) {
    MutexLock lock(mutex_);
    while (!done_ && steady_clock::now() < deadline) done_condition_.WaitUntil(mutex_, deadline);
    return done_;
  }
  bool done() {
    MutexLock lock(mutex_);
    return done_;
  }

  void OnReadDone(bool ok) override {
    MutexLock lock(mutex_);
    if (!ok || !wake_) {
      EndReads();
      return;
    }
    has_message_ = true;
    Wake();
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    outgoing_.pop_front();
    if (!ok) outgoing_.clear();  // the stream is broken: OnDone tells the rest
    WriteNext();
    if (ok && outgoing_.empty()) Wake();
  }

  void OnDone(const grpc::Status& status) override {
    MutexLock lock(mutex_);
    closed_ = ToAbslStatus(status);
    done_ = true;
    done_condition_.NotifyAll();
    Wake();
  }

 private:
  // Under the lock, so that the hold can't end between the check and the start. gRPC never runs a
  // reaction from within StartWrite or StartRead.
  void WriteNext() FQS_REQUIRES(mutex_) {
    if (writing_ || over_ || outgoing_.empty()) return;
    writing_ = true;
    StartWrite(&outgoing_.front());  // a deque keeps it in place while others are appended
  }
  void EndReads() FQS_REQUIRES(mutex_) {
    if (std::exchange(over_, true)) return;
    RemoveHold();
  }
  void Wake() FQS_REQUIRES(mutex_) {
    if (wake_) wake_();
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Ingest::Stub> stub_;
  grpc::ClientContext context_;
  Mutex mutex_;
  ConditionVariable done_condition_;
  std::function<void()> wake_ FQS_GUARDED_BY(mutex_);  // empty when cancelled
  v1::AggregatorMessage incoming_;                     // gRPC's unless has_message_
  std::deque<v1::AgentMessage> outgoing_ FQS_GUARDED_BY(mutex_);
  std::optional<absl::Status> closed_ FQS_GUARDED_BY(mutex_);
  bool has_message_ FQS_GUARDED_BY(mutex_) = false;  // and no read is under way
  bool writing_ FQS_GUARDED_BY(mutex_) = false;
  bool over_ FQS_GUARDED_BY(mutex_) = false;  // nothing more is read or written
  bool done_ FQS_GUARDED_BY(mutex_) = false;
};

IngestClient::IngestClient(std::string address, std::function<void()> wake)
    : address_(std::move(address)), wake_(std::move(wake)) {}

IngestClient::~IngestClient() {
  if (stream_) Leave(std::move(stream_));
  const auto deadline = steady_clock::now() + kLongestWaitForEnd;
  for (std::unique_ptr<Stream>& stream : left_) {
    // It may take seconds yet: nobody is left who could wait for it.
    if (!stream->WaitUntilDone(deadline)) static_cast<void>(stream.release());
  }
}

void IngestClient::Leave(std::unique_ptr<Stream> stream) {
  stream->Cancel();
  left_.push_back(std::move(stream));
}

void IngestClient::Open() {
  std::erase_if(left_, [](const std::unique_ptr<Stream>& stream) { return stream->done(); });
  if (stream_) Leave(std::move(stream_));
  stream_ = std::make_unique<Stream>(address_, wake_);
  stream_->Start();
}

std::optional<v1::AggregatorMessage> IngestClient::TakeMessage() {
  return stream_ ? stream_->TakeMessage() : std::nullopt;
}

std::optional<absl::Status> IngestClient::TakeClosed() {
  return stream_ ? stream_->TakeClosed() : std::nullopt;
}

bool IngestClient::WantsMore() const { return stream_ && stream_->WantsMore(); }

void IngestClient::Send(std::vector<v1::AgentMessage> messages) {
  if (stream_ && !messages.empty()) stream_->Send(std::move(messages));
}

}  // namespace fleetqshape
