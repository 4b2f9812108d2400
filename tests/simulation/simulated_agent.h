// An agent of the simulation: a relay's queue, the model of it, and a report session for each
// aggregator.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_AGENT_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_AGENT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/report/report_session.h"
#include "agent/watch/queue_model.h"
#include "fleetqshape/v1/relay.pb.h"
#include "tests/support/envelope_maker.h"
#include "tests/support/manual_clock.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {

// The queue outlives the agent's processes. Not safe for use by several threads.
class SimulatedAgent {
 public:
  SimulatedAgent(std::string host, size_t aggregators, RandomSource* random);

  const std::string& host() const { return host_; }
  ManualClock& clock() { return clock_; }
  ReportSession& session(size_t aggregator) { return *process_->sessions[aggregator]; }
  const QueueModel& model() const { return process_->model; }
  const v1::PostfixSettings* settings() const { return settings_.get(); }
  const v1::FileCounts* files() const { return files_.get(); }

  // Mail comes, moves, goes, or is delivered in part, and the agent looks at the queue.
  void ChangeQueue();
  // The relay is configured anew, or its files are counted.
  void ChangeFacts();
  void RenewNames();
  // The agent ends as by kill -9 and starts again. It may not know all that the one before knew.
  void Restart();
  // The next change of the model does not reach one of the sessions, or reaches it twice: a defect
  // that only the digest can tell.
  void SpoilNextChange();

 private:
  // What is in the queue.
  struct Message {
    Queue queue;
    int64_t version;
    int64_t arrival;
    std::string sender;
    std::vector<std::string> recipients;
  };
  struct Process {
    explicit Process(SimulatedAgent* agent)
        : model([agent](const Cell& cell, int64_t change) { agent->OnCell(cell, change); }) {}
    QueueModel model;
    std::vector<std::unique_ptr<ReportSession>> sessions;
  };

  void Start();
  void OnCell(const Cell& cell, int64_t change);
  Message RandomMessage();
  void LookAtQueue();
  void TellFacts();

  const std::string host_;
  const size_t aggregators_;
  RandomSource& random_;
  ManualClock clock_;
  EnvelopeMaker envelopes_;
  std::map<uint64_t, Message> queue_;
  uint64_t next_message_ = 1;
  int64_t version_ = 0;
  // Null: the agent does not know.
  std::unique_ptr<v1::PostfixSettings> settings_;
  std::unique_ptr<v1::FileCounts> files_;
  bool spoil_next_ = false;
  std::unique_ptr<Process> process_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_AGENT_H_
