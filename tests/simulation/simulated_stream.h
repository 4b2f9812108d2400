// One stream of the simulation, from an agent's report session to an aggregator.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_STREAM_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_STREAM_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "aggregator/ingest/ingest_session.h"
#include "fleetqshape/v1/ingest.pb.h"

namespace fleetqshape::test {

// As gRPC's: messages arrive in their order or, once the stream is cut, not at all; and each end
// finds out by itself, sooner or later, that it is over. What an aggregator does counts only if its
// process survives the call in which it does it, so that all of it goes through `effects`.
class SimulatedStream final : public IngestSession::Transport {
 public:
  using Effects = std::deque<std::function<void()>>;

  // `on_sent` is told of each message that the aggregator sends.
  SimulatedStream(std::shared_ptr<Effects> effects,
                  std::function<void(const v1::AggregatorMessage&)> on_sent)
      : effects_(std::move(effects)), on_sent_(std::move(on_sent)) {}

  void Send(v1::AggregatorMessage message) override {
    effects_->push_back([this, message = std::move(message)] {
      if (server_ended) return;
      on_sent_(message);
      to_agent.push_back(message);
    });
  }
  void ReadOn() override {
    effects_->push_back([this] { server_reads = true; });
  }
  void End(const absl::Status& status) override {
    effects_->push_back([this, status] {
      server_ended = true;
      end_status = status;
    });
  }

  std::deque<v1::AgentMessage> to_aggregator;
  std::deque<v1::AggregatorMessage> to_agent;
  bool cut = false;           // nothing more arrives at the agent
  bool agent_closed = false;  // the agent knows that it is over
  bool server_reads = true;   // the aggregator wants one more message
  bool server_ended = false;  // by the aggregator
  absl::Status end_status;
  std::shared_ptr<IngestSession> session;  // the aggregator's end; null: it knows that it is over
  std::string report_bytes;                // of the pieces that were delivered

 private:
  const std::shared_ptr<Effects> effects_;
  const std::function<void(const v1::AggregatorMessage&)> on_sent_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_STREAM_H_
