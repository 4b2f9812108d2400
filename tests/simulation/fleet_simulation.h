// Agents, networks, aggregators, disks and clocks in one thread, all of whose choices follow from a
// seed.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_FLEET_SIMULATION_H_
#define FLEETQSHAPE_TESTS_SIMULATION_FLEET_SIMULATION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/simulation/simulated_agent.h"
#include "tests/simulation/simulated_aggregator.h"
#include "tests/simulation/simulated_stream.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {

// How often what happened, over many runs: a run in which nothing goes wrong proves little.
struct SimulatedEvents {
  uint64_t acknowledged = 0;
  uint64_t cut_streams = 0;
  uint64_t garbled_streams = 0;
  uint64_t lost_messages = 0;
  uint64_t late_messages = 0;  // of a stream that the agent had given up
  uint64_t refused_twins = 0;  // a stream while the one before seemed open
  uint64_t agent_restarts = 0;
  uint64_t renewed_names = 0;
  uint64_t spoiled_changes = 0;
  uint64_t healed = 0;  // digests that did not match
  uint64_t clean_stops = 0;
  uint64_t process_crashes = 0;
  uint64_t machine_crashes = 0;
  uint64_t crashes_at_an_operation = 0;
  uint64_t failed_starts = 0;
  uint64_t full_disks = 0;
  uint64_t disk_errors = 0;
  uint64_t recoveries = 0;
  uint64_t duplicates = 0;
  uint64_t damages = 0;
  uint64_t damaged_relays = 0;
  uint64_t clock_jumps = 0;
  uint64_t forgotten = 0;
  uint64_t quiet_rounds = 0;  // the most that a run needed, in simulated seconds
};

class FleetSimulation {
 public:
  FleetSimulation(uint64_t seed, SimulatedEvents* events);
  ~FleetSimulation();

  // Some hundred steps; then nothing goes wrong any more, and all has to become right by itself.
  void Run();

 private:
  // What may go wrong in a run. Not all of it in each: some faults would cover up others.
  struct Faults {
    bool network, agents, names, spoil, crashes, full_disk, disk_errors, damage, clocks, forget;
  };
  // From an agent to an aggregator.
  struct Link {
    std::shared_ptr<SimulatedStream> stream;               // null: not connected
    std::vector<std::shared_ptr<SimulatedStream>> former;  // the aggregator may not know yet
  };

  size_t RandomIndex(size_t size);
  void Step();
  void StepFault();
  void PassTime(int64_t milliseconds);

  void Converse(size_t agent, size_t aggregator);
  void Connect(size_t agent, size_t aggregator);
  void SendOutgoing(size_t agent, size_t aggregator);
  void DeliverToAggregator(size_t agent, size_t aggregator, int64_t messages);
  void DeliverToAgent(size_t agent, size_t aggregator);
  void SpoilNetwork(size_t agent, size_t aggregator);
  // The agent comes back while its last report still waits to be written, and sends it again.
  void Overtake(size_t agent, size_t aggregator);
  // A message comes twice, too early, or not at all, and what follows it comes nevertheless. The
  // network does not do that by itself; the stream does not live long.
  void Garble(size_t agent, size_t aggregator);
  // The stream breaks; the agent sees that now or later, and so does the aggregator.
  void Cut(size_t agent, size_t aggregator);
  void AgentNotices(size_t agent, size_t aggregator);
  void AggregatorNotices(size_t agent, size_t aggregator);

  void RestartAgent(size_t agent);
  void StopAggregator(SimulatedAggregator& aggregator);
  void StartAggregator(SimulatedAggregator& aggregator);
  void SpoilDisk(SimulatedAggregator& aggregator);
  void JumpClock();

  void ComeToRest();
  bool Quiet();
  void CheckAll(const char* when);
  void CheckNoSuperfluousSnapshots();

  RandomSource random_;
  SimulatedEvents& events_;
  Faults faults_{};
  std::vector<std::unique_ptr<SimulatedAggregator>> aggregators_;
  std::vector<std::unique_ptr<SimulatedAgent>> agents_;
  std::vector<std::vector<Link>> links_;  // by agent and aggregator
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_FLEET_SIMULATION_H_
