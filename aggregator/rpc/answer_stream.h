// An answer that may be too large for one message, on its way to the caller.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_ANSWER_STREAM_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_ANSWER_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "aggregator/query/worker_pool.h"
#include "common/rpc/channel.h"

namespace fleetqshape {

// A message carries about this many bytes of an answer.
inline constexpr size_t kResponseBytes = size_t{256} << 10;

// For what a full pool turns away.
inline absl::Status BusyError() {
  return absl::ResourceExhaustedError("the aggregator is busy with other questions; ask again");
}

// Works out an answer in a pool's thread, then sends it, message by message, as fast as the caller
// takes it. Owns itself until the call is over.
template <typename Response>
class AnswerStream : public grpc::ServerWriteReactor<Response>,
                     public std::enable_shared_from_this<AnswerStream<Response>> {
 public:
  // To be called once, by whoever made it as a shared pointer.
  void Start(WorkerPool* pool) {
    self_ = this->shared_from_this();
    const bool taken = pool->Submit([stream = self_] { stream->Begin(); });
    if (!taken) this->Finish(ToGrpcStatus(BusyError()));
  }

  void OnWriteDone(bool ok) final {
    if (ok) {
      Send();
    } else {
      this->Finish(grpc::Status::CANCELLED);
    }
  }
  // The caller has gone, or its deadline has passed.
  void OnCancel() final { cancelled_.store(true, std::memory_order_relaxed); }
  void OnDone() final { const auto last = std::move(self_); }

 protected:
  // Works out the answer. In a thread of the pool.
  virtual absl::Status Prepare(const std::atomic<bool>& cancelled) = 0;
  // Fills the next message, which is empty; false if there is nothing left.
  virtual bool FillNext(Response* response) = 0;

 private:
  void Begin() {
    const absl::Status prepared = Prepare(cancelled_);
    if (prepared.ok()) {
      Send();
    } else {
      this->Finish(ToGrpcStatus(prepared));
    }
  }

  void Send() {
    response_.Clear();
    if (FillNext(&response_)) {
      this->StartWrite(&response_);
    } else {
      this->Finish(grpc::Status::OK);
    }
  }

  std::shared_ptr<AnswerStream> self_;
  std::atomic<bool> cancelled_ = false;
  Response response_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_ANSWER_STREAM_H_
