#include "tests/simulation/fleet_simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"
#include "tests/support/relay_facts.h"

namespace fleetqshape::test {
namespace {

using Crash = SimulatedAggregator::Crash;

constexpr int64_t kDay = int64_t{24} * 3600;
// Longer than any delay of an agent or an aggregator.
constexpr uint64_t kMostQuietRounds = 200;

}  // namespace

FleetSimulation::FleetSimulation(uint64_t seed, SimulatedEvents* events)
    : random_(seed), events_(*events) {
  const auto maybe = [this] { return random_.OneIn(2); };
  faults_ = {maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), false, maybe(), false};
  faults_.damage = random_.OneIn(5);
  faults_.forget = random_.OneIn(4);
  const size_t aggregators = random_.OneIn(2) ? 2 : 1;
  for (size_t i = 0; i < aggregators; ++i) {
    aggregators_.push_back(std::make_unique<SimulatedAggregator>(random_.Bits(), &random_));
    StartAggregator(*aggregators_.back());
  }
  const int64_t agents = random_.Between(1, 3);
  for (int64_t i = 0; i < agents; ++i) {
    agents_.push_back(
        std::make_unique<SimulatedAgent>("relay" + std::to_string(i), aggregators, &random_));
  }
  links_.resize(agents_.size(), std::vector<Link>(aggregators));
}

FleetSimulation::~FleetSimulation() {
  // What their streams hold of them goes first.
  for (auto& aggregator : aggregators_) aggregator->Stop(Crash::kClean);
}

size_t FleetSimulation::RandomIndex(size_t size) {
  return static_cast<size_t>(random_.Between(0, static_cast<int64_t>(size) - 1));
}

void FleetSimulation::Run() {
  for (int64_t steps = random_.Between(50, 300); steps > 0; --steps) {
    Step();
    if (::testing::Test::HasFailure()) return;
  }
  ComeToRest();
  if (::testing::Test::HasFailure()) return;
  CheckAll("at rest");
  CheckNoSuperfluousSnapshots();
  for (auto& aggregator : aggregators_) {
    events_.acknowledged += aggregator->acknowledged();
    aggregator->Stop(random_.OneIn(2) ? Crash::kClean : Crash::kMachine);
    events_.recoveries += aggregator->recoveries();
    events_.duplicates += aggregator->duplicates();
    ASSERT_TRUE(aggregator->Start());
    events_.damaged_relays += aggregator->damaged();
  }
  CheckAll("after a restart at rest");
  for (auto& aggregator : aggregators_) {
    aggregator->Stop(Crash::kClean);
    aggregator->CheckStoreIsSound();
  }
}

void FleetSimulation::PassTime(int64_t milliseconds) {
  for (auto& agent : agents_) agent->clock().AdvanceMilliseconds(milliseconds);
  for (auto& aggregator : aggregators_) aggregator->clock().AdvanceMilliseconds(milliseconds);
}

void FleetSimulation::Step() {
  PassTime(random_.Between(0, 3000));
  const size_t agent = RandomIndex(agents_.size());
  const size_t aggregator = RandomIndex(aggregators_.size());
  const int64_t what = random_.Between(1, 100);
  if (what <= 20) {
    agents_[agent]->ChangeQueue();
  } else if (what <= 24) {
    agents_[agent]->ChangeFacts();
  } else if (what <= 50) {
    Converse(agent, aggregator);
  } else if (what <= 60) {
    SendOutgoing(agent, aggregator);
  } else if (what <= 69) {
    DeliverToAggregator(agent, aggregator, random_.Between(1, 20));
  } else if (what <= 75) {
    aggregators_[aggregator]->Work();
  } else if (what <= 76) {
    aggregators_[aggregator]->CheckDeadlines();
  } else if (what <= 82) {
    DeliverToAgent(agent, aggregator);
  } else if (what <= 85) {
    Connect(agent, aggregator);
  } else if (what <= 88) {
    AgentNotices(agent, aggregator);
  } else if (what <= 91) {
    AggregatorNotices(agent, aggregator);
  } else if (what <= 93) {
    if (!aggregators_[aggregator]->running()) StartAggregator(*aggregators_[aggregator]);
  } else {
    StepFault();
  }
}

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

// As it goes when nothing goes wrong.
void FleetSimulation::Converse(size_t agent, size_t aggregator) {
  Connect(agent, aggregator);
  SendOutgoing(agent, aggregator);
  DeliverToAggregator(agent, aggregator, 1000);
  aggregators_[aggregator]->Work();
  DeliverToAgent(agent, aggregator);
}

void FleetSimulation::Connect(size_t agent, size_t aggregator) {
  Link& link = links_[agent][aggregator];
  if (link.stream != nullptr || !aggregators_[aggregator]->running()) return;
  link.stream = aggregators_[aggregator]->Open(agents_[agent]->host());
  agents_[agent]->session(aggregator).OnConnected();
}

void FleetSimulation::SendOutgoing(size_t agent, size_t aggregator) {
  const Link& link = links_[agent][aggregator];
  for (v1::AgentMessage& message : agents_[agent]->session(aggregator).TakeOutgoing()) {
    ASSERT_NE(link.stream, nullptr) << message.ShortDebugString();
    link.stream->to_aggregator.push_back(std::move(message));
  }
}

void FleetSimulation::DeliverToAggregator(size_t agent, size_t aggregator, int64_t messages) {
  Link& link = links_[agent][aggregator];
  const std::string& host = agents_[agent]->host();
  // What was under way when the agent gave up may still arrive.
  for (const auto& stream : link.former) {
    if (stream->session == nullptr || stream->to_aggregator.empty()) continue;
    ++events_.late_messages;
    aggregators_[aggregator]->Deliver(*stream, host);
  }
  if (link.stream == nullptr) return;
  const auto stream = link.stream;
  for (; messages > 0 && !stream->to_aggregator.empty(); --messages) {
    aggregators_[aggregator]->Deliver(*stream, host);
  }
  events_.refused_twins += absl::IsAlreadyExists(stream->end_status) ? 1 : 0;
}

void FleetSimulation::DeliverToAgent(size_t agent, size_t aggregator) {
  Link& link = links_[agent][aggregator];
  if (link.stream == nullptr || link.stream->cut) return;
  while (!link.stream->to_agent.empty()) {
    const v1::AggregatorMessage message = std::move(link.stream->to_agent.front());
    link.stream->to_agent.pop_front();
    events_.healed += message.has_snapshot_request() ? 1 : 0;
    agents_[agent]->session(aggregator).OnMessage(message);
    if (random_.OneIn(3)) return;
  }
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

void FleetSimulation::AgentNotices(size_t agent, size_t aggregator) {
  Link& link = links_[agent][aggregator];
  if (link.stream == nullptr || !(link.stream->cut || link.stream->server_ended)) return;
  link.former.push_back(std::exchange(link.stream, nullptr));
  agents_[agent]->session(aggregator).OnDisconnected();
}

void FleetSimulation::AggregatorNotices(size_t agent, size_t aggregator) {
  Link& link = links_[agent][aggregator];
  for (const auto& stream : std::exchange(link.former, {})) {
    aggregators_[aggregator]->Close(*stream);
  }
  if (link.stream != nullptr && (link.stream->cut || link.stream->server_ended)) {
    aggregators_[aggregator]->Close(*link.stream);
  }
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

void FleetSimulation::ComeToRest() {
  for (auto& aggregator : aggregators_) {
    aggregator->disk().StopFailing();
    aggregator->disk().SetCapacity(SimulatedDisk::kNoLimit);
    // It dies now or never.
    aggregator->Stop(Crash::kProcess);
    aggregator->disk().CrashProcess();
  }
  for (uint64_t round = 1; round <= kMostQuietRounds; ++round) {
    events_.quiet_rounds = std::max(events_.quiet_rounds, round);
    PassTime(1000);
    for (size_t k = 0; k < aggregators_.size(); ++k) {
      if (!aggregators_[k]->running()) {
        ASSERT_TRUE(aggregators_[k]->Start()) << aggregators_[k]->start_problem();
      }
      for (size_t i = 0; i < agents_.size(); ++i) {
        AgentNotices(i, k);
        AggregatorNotices(i, k);
        Converse(i, k);
        aggregators_[k]->CheckDeadlines();
      }
    }
    if (Quiet() || ::testing::Test::HasFailure()) return;
  }
  ADD_FAILURE() << "it does not come to rest";
}

bool FleetSimulation::Quiet() {
  for (size_t i = 0; i < agents_.size(); ++i) {
    for (size_t k = 0; k < aggregators_.size(); ++k) {
      const Link& link = links_[i][k];
      if (!agents_[i]->session(k).UpToDate() || link.stream == nullptr ||
          link.stream->server_ended || !link.stream->to_aggregator.empty()) {
        return false;
      }
    }
  }
  return true;
}

void FleetSimulation::CheckAll(const char* when) {
  SCOPED_TRACE(when);
  for (size_t k = 0; k < aggregators_.size(); ++k) {
    SCOPED_TRACE("aggregator " + std::to_string(k));
    const Fleet& fleet = aggregators_[k]->fleet();
    const std::vector<RelayView> views = fleet.Snapshot();
    EXPECT_EQ(views.size(), agents_.size());
    EXPECT_EQ(fleet.problem(), "");
    for (const auto& agent : agents_) {
      SCOPED_TRACE(agent->host());
      const NamedCells cells = CellsOfModel(agent->model());
      EXPECT_EQ(DigestOf(cells), agent->model().digest());
      const auto view = std::find_if(views.begin(), views.end(), [&](const RelayView& one) {
        return one.description->identity.host == agent->host();
      });
      ASSERT_NE(view, views.end());
      EXPECT_EQ(CellsOfState(*view->state, fleet.names()), cells);
      EXPECT_EQ(view->state->digest, agent->model().digest());
      EXPECT_EQ(view->state->settings == nullptr ? "unknown" : TextOf(*view->state->settings),
                agent->settings() == nullptr ? "unknown" : TextOf(*agent->settings()));
      EXPECT_EQ(view->state->files == nullptr ? "unknown" : TextOf(*view->state->files),
                agent->files() == nullptr ? "unknown" : TextOf(*agent->files()));
    }
  }
}

// Unless the agent lost what it knew, or the aggregator what it had, one snapshot is enough.
void FleetSimulation::CheckNoSuperfluousSnapshots() {
  if (faults_.agents || faults_.names || faults_.spoil || faults_.damage || faults_.forget) return;
  for (const auto& aggregator : aggregators_) {
    for (const auto& agent : agents_) {
      EXPECT_LE(aggregator->epochs(agent->host()).size(), 1U) << agent->host();
    }
  }
}

}  // namespace fleetqshape::test
