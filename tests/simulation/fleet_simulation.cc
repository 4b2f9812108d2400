#include "tests/simulation/fleet_simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tests/aggregator/ingest/fleet_sums_check.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"
#include "tests/support/relay_facts.h"

namespace fleetqshape::test {
namespace {

using Crash = SimulatedAggregator::Crash;

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
    ExpectSumsOfStates(fleet);
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
