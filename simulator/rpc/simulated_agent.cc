#include "simulator/rpc/simulated_agent.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace fleetqshape {

SimulatedAgent::SimulatedAgent(const SimulatedRelay::World& world, const RelayPlan& plan,
                               const std::string& address, int64_t interval_milliseconds,
                               const Clock* clock, std::function<void()> wake)
    : clock_(*clock),
      relay_(world, plan,
             [this](const Cell& cell, int64_t change) { session_.OnCellChange(cell, change); }),
      // Epochs need not follow from the seed, and must not: a run after this one is another agent.
      session_(SessionOptions(plan, address, interval_milliseconds), &relay_.queue(), clock,
               Random(Scramble(plan.seed, static_cast<uint64_t>(clock->NowMilliseconds())))),
      backoff_(Random(plan.seed)),
      client_(address, std::move(wake)) {
  session_.SetSettings(SettingsMessage(world.settings));
  session_.SetFileCounts(v1::FileCounts());
}

ReportSession::Options SimulatedAgent::SessionOptions(const RelayPlan& plan,
                                                      const std::string& address,
                                                      int64_t interval_milliseconds) const {
  ReportSession::Options options;
  options.hello = HelloOf(plan);
  options.hello.set_agent_id(Scramble(plan.seed, static_cast<uint64_t>(clock_.NowMilliseconds())) |
                             1);
  options.aggregator = address;
  options.interval_milliseconds = interval_milliseconds;
  return options;
}

void SimulatedAgent::Look(int64_t now_seconds) {
  relay_.AdvanceTo(now_seconds);
  if (relay_.RenewNamesIfWorthwhile()) session_.OnNamesRenewed();
  session_.OnQueueSeen();
}

void SimulatedAgent::Advance(Latencies* latencies) {
  while (const auto message = client_.TakeMessage()) {
    if (message->has_welcome()) {
      is_welcome_ = true;
      ++connections_;
      backoff_.Reset();
    }
    const int64_t took = session_.UnacknowledgedMilliseconds();
    const uint64_t before = session_.counters().acknowledged;
    session_.OnMessage(*message);
    if (session_.counters().acknowledged > before) latencies->Add(took);
  }
  if (const auto status = client_.TakeClosed()) {
    session_.OnDisconnected();
    connected_ = false;
    is_welcome_ = false;
    ++ended_;
    last_problem_ = status->ok() ? "the aggregator ended it" : std::string(status->message());
    next_connect_ = clock_.MonotonicMilliseconds() + backoff_.NextDelayMilliseconds();
  }
  if (!connected_ && clock_.MonotonicMilliseconds() >= next_connect_) {
    client_.Open();
    connected_ = true;
    session_.OnConnected();
  }
  if (connected_ && client_.WantsMore()) client_.Send(session_.TakeOutgoing());
}

int64_t SimulatedAgent::NextDeadline() const {
  if (!connected_) return next_connect_;
  const auto next = session_.NextOutgoingMilliseconds();
  if (!next || !client_.WantsMore()) return std::numeric_limits<int64_t>::max();
  return *next;
}

SimulatedAgent::Counters SimulatedAgent::counters() const {
  return {session_.counters(), connections_, ended_};
}

}  // namespace fleetqshape
