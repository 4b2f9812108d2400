// The agent's streams to one aggregator.
#ifndef FLEETQSHAPE_AGENT_RPC_INGEST_CLIENT_H_
#define FLEETQSHAPE_AGENT_RPC_INGEST_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fleetqshape/v1/ingest.pb.h"

namespace fleetqshape {

// One stream at a time. All functions are for one thread; the events come from gRPC's threads.
class IngestClient {
 public:
  struct Events {
    std::function<void(v1::AggregatorMessage)> on_message;
    // The stream is over, for the reason given. Nothing comes from it after this.
    std::function<void(absl::Status)> on_closed;
  };

  // `address`: HOST:PORT.
  IngestClient(const std::string& address, Events events);
  // Ends the stream and waits until no event can come any more.
  ~IngestClient();

  // Starts a stream. The one before must be closed.
  void Open();
  // Sends in this order. What is sent on a stream that is over is lost.
  void Send(std::vector<v1::AgentMessage> messages);

 private:
  class Stream;
  struct Transport;

  const Events events_;
  std::unique_ptr<Transport> transport_;
  std::shared_ptr<Stream> stream_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_RPC_INGEST_CLIENT_H_
