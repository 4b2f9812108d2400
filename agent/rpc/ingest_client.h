// The agent's streams to one aggregator.
#ifndef FLEETQSHAPE_AGENT_RPC_INGEST_CLIENT_H_
#define FLEETQSHAPE_AGENT_RPC_INGEST_CLIENT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fleetqshape/v1/ingest.pb.h"

namespace fleetqshape {

// One stream at a time, each with a connection and one attempt to connect of its own. All functions
// are for one thread, and none but the destructor ever waits. What comes in is held back until it
// is taken, and what is sent until the stream takes it, so that neither end can make the other one
// hold more than a message and what one Send gave.
class IngestClient {
 public:
  // `address`: HOST:PORT. `wake` is called, from gRPC's threads and until the destructor returns,
  // when one of the functions below may have another answer than before. It must be quick, and call
  // none of them.
  IngestClient(std::string address, std::function<void()> wake);
  // Ends the stream, and waits a moment for that. One whose connection hangs is left to gRPC, with
  // its memory.
  ~IngestClient();

  // Starts a stream. The one before, if there was one, is forgotten.
  void Open();
  // The next message that came, if there is one.
  std::optional<v1::AggregatorMessage> TakeMessage();
  // Why the stream is over, once it is and its messages are taken. Tells it once.
  std::optional<absl::Status> TakeClosed();
  // True if there is a stream, and all that was sent is written: it is time for more.
  bool WantsMore() const;
  // Sends in this order. What is sent on a stream that is over is lost.
  void Send(std::vector<v1::AgentMessage> messages);

 private:
  class Stream;

  void Leave(std::unique_ptr<Stream> stream);

  const std::string address_;
  const std::function<void()> wake_;
  std::unique_ptr<Stream> stream_;
  std::vector<std::unique_ptr<Stream>> left_;  // cancelled, and gRPC may not be done with them
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_RPC_INGEST_CLIENT_H_
