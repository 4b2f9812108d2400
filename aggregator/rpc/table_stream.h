// The answer to GetTable.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_TABLE_STREAM_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_TABLE_STREAM_H_

#include <atomic>
#include <cstddef>

#include "absl/status/status.h"
#include "aggregator/query/query_engine.h"
#include "aggregator/rpc/answer_stream.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

class TableStream final : public AnswerStream<v1::TableResponse> {
 public:
  // `request` is gRPC's, until the call is over; `engine` outlives the call.
  TableStream(const QueryEngine* engine, const v1::TableRequest* request)
      : engine_(*engine), request_(*request) {}

 private:
  absl::Status Prepare(const std::atomic<bool>& cancelled) override;
  bool FillNext(v1::TableResponse* response) override;

  const QueryEngine& engine_;
  const v1::TableRequest& request_;
  TableAnswer answer_;
  bool head_sent_ = false;
  size_t next_row_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_TABLE_STREAM_H_
