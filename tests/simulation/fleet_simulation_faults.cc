// The faults of a FleetSimulation.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/fleet_simulation.h"

namespace fleetqshape::test {
namespace {

using Crash = SimulatedAggregator::Crash;

constexpr int64_t kDay = int64_t{24} * 3600;

}  // namespace

void FleetSimulation::StepFault() {
  const size_t agent = RandomIndex(agents_.size());
  SimulatedAggregator& aggregator = *aggregators_[RandomIndex(aggregators_.size())];
  switch (random_.Between(1, 10)) {
    case 1:
      if (faults_.network) SpoilNetwork(agent, RandomIndex(aggregators_.size()));
      break;
    case 2:
      if (faults_.agents) RestartAgent(agent);
      break;
    case 3:
      if (!faults_.names) break;
      agents_[agent]->RenewNames();
      ++events_.renewed_names;
      break;
    case 4:
      if (!faults_.spoil) break;
      agents_[agent]->SpoilNextChange();
      agents_[agent]->ChangeQueue();
      ++events_.spoiled_changes;
      break;
    case 5:
    case 6:
      if (faults_.crashes) StopAggregator(aggregator);
      break;
    case 7:
    case 8:
      SpoilDisk(aggregator);
      break;
    case 9:
      if (faults_.clocks) JumpClock();
      break;
    default:
      if (!faults_.forget) break;
      aggregator.Forget(agents_[agent]->host());
      ++events_.forgotten;
  }
}

void FleetSimulation::StopAggregator(SimulatedAggregator& aggregator) {
  if (!aggregator.running()) return;
  const Crash crash = random_.OneOf(std::vector<Crash>{Crash::kProcess, Crash::kMachine});
  switch (random_.Between(1, 4)) {
    case 1:
      aggregator.Stop(Crash::kClean);
      ++events_.clean_stops;
      break;
    case 2:
      aggregator.Stop(crash);
      ++(crash == Crash::kProcess ? events_.process_crashes : events_.machine_crashes);
      break;
    default:
      // A batch takes a handful of operations, a start some dozens.
      aggregator.DieAfter(static_cast<uint64_t>(random_.Between(0, random_.OneIn(3) ? 80 : 8)),
                          crash);
      ++events_.crashes_at_an_operation;
  }
}

void FleetSimulation::StartAggregator(SimulatedAggregator& aggregator) {
  if (!aggregator.Start()) ++events_.failed_starts;
}

void FleetSimulation::SpoilDisk(SimulatedAggregator& aggregator) {
  SimulatedDisk& disk = aggregator.disk();
  switch (random_.Between(1, 5)) {
    case 1:
      if (!faults_.full_disk) break;
      disk.SetCapacity(0);
      disk.SetCapacity(random_.OneIn(2) ? 0 : static_cast<uint64_t>(random_.Between(0, 200'000)));
      ++events_.full_disks;
      break;
    case 2:
      disk.SetCapacity(SimulatedDisk::kNoLimit);
      disk.StopFailing();
      break;
    case 3:
      if (!faults_.disk_errors) break;
      disk.FailNext(random_.OneOf(std::vector<Operation>{Operation::kAppend, Operation::kSync,
                                                         Operation::kCreate, Operation::kRename,
                                                         Operation::kSyncDirectory}));
      ++events_.disk_errors;
      break;
    case 4:
      if (!faults_.disk_errors) break;
      disk.FailSometimes(random_.OneIn(2) ? Operation::kSync : Operation::kAppend,
                         random_.Between(2, 20));
      ++events_.disk_errors;
      break;
    default:
      if (!faults_.damage) break;
      ++events_.damages;
      if (random_.OneIn(2) && aggregator.running()) {
        aggregator.DamageLogAndFail();
        break;
      }
      aggregator.Damage();
      aggregator.Stop(Crash::kProcess);
  }
}

void FleetSimulation::JumpClock() {
  const int64_t seconds = random_.Between(-10 * kDay, 10 * kDay);
  if (random_.OneIn(2)) {
    agents_[RandomIndex(agents_.size())]->clock().JumpSeconds(seconds);
  } else {
    aggregators_[RandomIndex(aggregators_.size())]->clock().JumpSeconds(seconds);
  }
  ++events_.clock_jumps;
}

void FleetSimulation::SpoilNetwork(size_t agent, size_t aggregator) {
  switch (random_.Between(1, 4)) {
    case 1:
      Overtake(agent, aggregator);
      break;
    case 2:
      Garble(agent, aggregator);
      break;
    default:
      Cut(agent, aggregator);
  }
}

void FleetSimulation::Overtake(size_t agent, size_t aggregator) {
  agents_[agent]->ChangeQueue();
  for (int i = 0; i < 2; ++i) {
    Connect(agent, aggregator);
    for (int k = 0; k < 2; ++k) {  // the hello, the report
      SendOutgoing(agent, aggregator);
      DeliverToAggregator(agent, aggregator, 1000);
      DeliverToAgent(agent, aggregator);
      PassTime(2000);
    }
    if (i > 0 || links_[agent][aggregator].stream == nullptr) break;
    links_[agent][aggregator].stream->cut = true;
    AgentNotices(agent, aggregator);
    AggregatorNotices(agent, aggregator);
    ++events_.cut_streams;
  }
  aggregators_[aggregator]->Work();
}

void FleetSimulation::Garble(size_t agent, size_t aggregator) {
  agents_[agent]->ChangeQueue();
  SendOutgoing(agent, aggregator);
  const Link& link = links_[agent][aggregator];
  if (link.stream == nullptr || link.stream->to_aggregator.size() < 2) return;
  auto& messages = link.stream->to_aggregator;
  const size_t place = RandomIndex(messages.size() - 1);
  switch (random_.Between(1, 3)) {
    case 1:
      messages.insert(messages.begin() + static_cast<int64_t>(place), messages[place]);
      break;
    case 2:
      std::swap(messages[place], messages[place + 1]);
      break;
    default:
      messages.erase(messages.begin() + static_cast<int64_t>(place));
  }
  link.stream->cut = true;
  ++events_.garbled_streams;
}

void FleetSimulation::Cut(size_t agent, size_t aggregator) {
  Link& link = links_[agent][aggregator];
  if (link.stream == nullptr) return;
  link.stream->cut = true;
  ++events_.cut_streams;
  // Some of what was under way arrives later, or never does.
  if (random_.OneIn(2)) {
    events_.lost_messages += link.stream->to_aggregator.size();
    link.stream->to_aggregator.clear();
  }
  events_.lost_messages += link.stream->to_agent.size();
  link.stream->to_agent.clear();
  if (random_.OneIn(2)) AgentNotices(agent, aggregator);
  if (random_.OneIn(2)) AggregatorNotices(agent, aggregator);
}

void FleetSimulation::RestartAgent(size_t agent) {
  for (Link& link : links_[agent]) {
    if (link.stream == nullptr) continue;
    link.stream->cut = true;
    link.former.push_back(std::exchange(link.stream, nullptr));
  }
  agents_[agent]->Restart();
  ++events_.agent_restarts;
}

}  // namespace fleetqshape::test
