// The answer to ListRelays.
#ifndef FLEETQSHAPE_AGGREGATOR_RPC_RELAY_LIST_STREAM_H_
#define FLEETQSHAPE_AGGREGATOR_RPC_RELAY_LIST_STREAM_H_

#include <atomic>
#include <cstddef>

#include "absl/status/status.h"
#include "aggregator/query/query_engine.h"
#include "aggregator/rpc/answer_stream.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

class RelayListStream final : public AnswerStream<v1::ListRelaysResponse> {
 public:
  // `request` is gRPC's, until the call is over; `engine` outlives the call.
  RelayListStream(const QueryEngine* engine, const v1::ListRelaysRequest* request)
      : engine_(*engine), request_(*request) {}

 private:
  absl::Status Prepare(const std::atomic<bool>& cancelled) override;
  bool FillNext(v1::ListRelaysResponse* response) override;

  const QueryEngine& engine_;
  const v1::ListRelaysRequest& request_;
  RelayList list_;
  size_t next_relay_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_RPC_RELAY_LIST_STREAM_H_
