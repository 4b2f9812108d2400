#include "agent/rpc/ingest_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <deque>
#include <iterator>
#include <utility>

#include "common/base/mutex.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/ingest.grpc.pb.h"

namespace fleetqshape {

struct IngestClient::Transport {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Ingest::Stub> stub;
};

class IngestClient::Stream final
    : public grpc::ClientBidiReactor<v1::AgentMessage, v1::AggregatorMessage> {
 public:
  explicit Stream(const Events& events) : events_(events) {}

  void Start(v1::Ingest::Stub* stub) {
    stub->async()->Connect(&context_, this);
    AddHold();  // for the writes that Send starts
    StartRead(&incoming_);
    StartCall();
  }

  void Send(std::vector<v1::AgentMessage> messages) {
    MutexLock lock(mutex_);
    if (over_) return;
    outgoing_.insert(outgoing_.end(), std::make_move_iterator(messages.begin()),
                     std::make_move_iterator(messages.end()));
    WriteNext();
  }

  void Cancel() { context_.TryCancel(); }

  void WaitUntilDone() {
    MutexLock lock(mutex_);
    while (!done_) done_condition_.Wait(mutex_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      {
        MutexLock lock(mutex_);
        over_ = true;
      }
      RemoveHold();
      return;
    }
    events_.on_message(std::exchange(incoming_, v1::AggregatorMessage()));
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    outgoing_.pop_front();
    if (!ok) outgoing_.clear();  // the stream is broken: OnDone tells the rest
    WriteNext();
  }

  void OnDone(const grpc::Status& status) override {
    events_.on_closed(ToAbslStatus(status));
    MutexLock lock(mutex_);
    done_ = true;
    done_condition_.NotifyAll();
  }

 private:
  // Under the lock, so that the hold can't end between the check and the start. gRPC never runs a
  // reaction from within StartWrite.
  void WriteNext() FQS_REQUIRES(mutex_) {
    if (writing_ || over_ || outgoing_.empty()) return;
    writing_ = true;
    StartWrite(&outgoing_.front());  // a deque keeps it in place while others are appended
  }

  const Events& events_;
  grpc::ClientContext context_;
  v1::AggregatorMessage incoming_;
  Mutex mutex_;
  ConditionVariable done_condition_;
  std::deque<v1::AgentMessage> outgoing_ FQS_GUARDED_BY(mutex_);
  bool writing_ FQS_GUARDED_BY(mutex_) = false;
  bool over_ FQS_GUARDED_BY(mutex_) = false;
  bool done_ FQS_GUARDED_BY(mutex_) = false;
};

IngestClient::IngestClient(const std::string& address, Events events)
    : events_(std::move(events)), transport_(std::make_unique<Transport>()) {
  transport_->channel = MakeChannel(address);
  transport_->stub = v1::Ingest::NewStub(transport_->channel);
}

IngestClient::~IngestClient() {
  if (!stream_) return;
  stream_->Cancel();
  stream_->WaitUntilDone();
}

void IngestClient::Open() {
  // The stream before told that it is closed from within OnDone: let that return first.
  if (stream_) stream_->WaitUntilDone();
  stream_ = std::make_shared<Stream>(events_);
  stream_->Start(transport_->stub.get());
}

void IngestClient::Send(std::vector<v1::AgentMessage> messages) {
  if (stream_ && !messages.empty()) stream_->Send(std::move(messages));
}

}  // namespace fleetqshape
