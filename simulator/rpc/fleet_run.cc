#include "simulator/rpc/fleet_run.h"

#include <algorithm>

namespace fleetqshape {
namespace {

// As many draws are enough for queues that all look different.
constexpr uint32_t kOutSamples = 1 << 16;

// Who stops it does not want to wait for an aggregator that is gone.
constexpr int64_t kLongestStopMilliseconds = 5000;

void AddTo(SimulatedAgent::Counters* sum, const SimulatedAgent::Counters& one) {
  sum->session.snapshots += one.session.snapshots;
  sum->session.deltas += one.session.deltas;
  sum->session.cells += one.session.cells;
  sum->session.bytes += one.session.bytes;
  sum->session.heartbeats += one.session.heartbeats;
  sum->session.acknowledged += one.session.acknowledged;
  sum->session.resent += one.session.resent;
  sum->session.snapshot_requests += one.session.snapshot_requests;
  sum->session.lost += one.session.lost;
  sum->connections += one.connections;
  sum->ended += one.ended;
}

}  // namespace

FleetRun::FleetRun(RunOptions options, const SimulatedRelay::World& world,
                   const std::vector<RelayPlan>& plans, const Clock* clock)
    : options_(std::move(options)),
      world_(world),
      clock_(*clock),
      next_look_(plans.size()),
      scheduled_(plans.size(), kNever),
      is_woken_(plans.size()) {
  agents_.reserve(plans.size());
  for (uint32_t i = 0; i < plans.size(); ++i) {
    agents_.push_back(std::make_unique<SimulatedAgent>(world, plans[i], options_.aggregator,
                                                       options_.interval_milliseconds, clock,
                                                       [this, i] { Wake(i); }));
  }
}

void FleetRun::Stop() {
  stopping_ = true;
  MutexLock lock(mutex_);
  stop_is_news_ = true;
  condition_.NotifyOne();
}

void FleetRun::Wake(uint32_t number) {
  MutexLock lock(mutex_);
  if (is_woken_[number]) return;
  is_woken_[number] = true;
  woken_.push_back(number);
  if (woken_.size() == 1) condition_.NotifyOne();
}

void FleetRun::Schedule(uint32_t number, int64_t at) {
  if (at >= scheduled_[number]) return;
  scheduled_[number] = at;
  timers_.emplace(at, number);
}

void FleetRun::Handle(uint32_t number) {
  const int64_t now = clock_.MonotonicMilliseconds();
  SimulatedAgent& agent = *agents_[number];
  if (now >= next_look_[number]) {
    agent.Look(mail_goes_on_ ? clock_.NowSeconds() : mail_seconds_);
    // On its own beat, whatever was late.
    const int64_t interval = options_.interval_milliseconds;
    next_look_[number] += interval * (1 + (now - next_look_[number]) / interval);
  }
  agent.Advance(&latencies_);
  Schedule(number, std::min(agent.NextDeadline(), next_look_[number]));
}

void FleetRun::HandleDue() {
  std::vector<uint32_t> due;
  {
    MutexLock lock(mutex_);
    due.swap(woken_);
    for (const uint32_t number : due) is_woken_[number] = false;
  }
  for (const uint32_t number : due) Handle(number);
  const int64_t now = clock_.MonotonicMilliseconds();
  while (!timers_.empty() && timers_.top().first <= now) {
    const auto [at, number] = timers_.top();
    timers_.pop();
    if (scheduled_[number] != at) continue;  // there was an earlier one
    scheduled_[number] = kNever;
    Handle(number);
  }
}

void FleetRun::WaitForWork(int64_t until) {
  if (!timers_.empty()) until = std::min(until, timers_.top().first);
  const int64_t left = std::clamp<int64_t>(until - clock_.MonotonicMilliseconds(), 0, 1000);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(left);
  MutexLock lock(mutex_);
  while (woken_.empty() && !stop_is_news_ && std::chrono::steady_clock::now() < deadline) {
    condition_.WaitUntil(mutex_, deadline);
  }
  stop_is_news_ = false;
}

bool FleetRun::AllUpToDate() const {
  return std::all_of(agents_.begin(), agents_.end(),
                     [](const auto& agent) { return agent->UpToDate(); });
}

bool FleetRun::Drive(const char* phase, int64_t until, bool impatient,
                     const std::function<bool()>& done) {
  uint64_t acknowledged = latencies_.count();
  int64_t last_progress = clock_.MonotonicMilliseconds();
  int64_t next_check = 0;
  for (;;) {
    HandleDue();
    const int64_t now = clock_.MonotonicMilliseconds();
    if (now >= next_print_) {
      on_progress_(phase, Figures());
      next_print_ = now + options_.print_milliseconds;
    }
    if (latencies_.count() > acknowledged) last_progress = now;
    acknowledged = latencies_.count();
    if (now >= until) return true;
    if (now >= next_check) {
      if (done()) return true;
      next_check = now + 50;  // it looks at all agents
    }
    const int64_t patience =
        stopping_ ? std::min(options_.patience_milliseconds, kLongestStopMilliseconds)
                  : options_.patience_milliseconds;
    if (impatient && now - last_progress > patience) return false;
    WaitForWork(std::min({until, next_print_, next_check}));
  }
}

bool FleetRun::Fill() {
  Random random(Scramble(agents_.size(), options_.aggregator.size()));
  const int64_t now = clock_.NowSeconds();
  const std::vector<DomainId> out =
      world_.destinations->DrawOut(*world_.domains, now, kOutSamples, &random);
  for (const auto& agent : agents_) {
    if (stopping_) return false;
    agent->Fill(now, out);
  }
  return true;
}

RunFigures FleetRun::Run(const OnProgress& on_progress) {
  on_progress_ = on_progress;
  start_milliseconds_ = clock_.MonotonicMilliseconds();
  if (!Fill()) return Figures();
  next_print_ = clock_.MonotonicMilliseconds();
  // Spread over the interval, so that reports are, too.
  const auto agents = static_cast<int64_t>(agents_.size());
  const int64_t spread =
      std::max(options_.interval_milliseconds, agents * 1000 / options_.connects_a_second);
  for (uint32_t i = 0; i < agents_.size(); ++i) {
    next_look_[i] = next_print_ + spread * i / agents;
    Schedule(i, next_look_[i]);
  }
  const auto stopped = [this] { return stopping_.load(); };
  std::vector<bool> came(agents_.size());
  const auto all_came = [&] {
    bool all = true;
    for (size_t i = 0; i < agents_.size(); ++i) {
      if (!came[i]) came[i] = agents_[i]->UpToDate();
      all &= came[i];
    }
    return all || stopping_;
  };
  if (Drive("connecting", kNever, true, all_came) && !stopping_) {
    next_print_ = clock_.MonotonicMilliseconds();
    latencies_ = Latencies();
    Drive("running", next_print_ + options_.duration_milliseconds, false, stopped);
  }
  mail_seconds_ = clock_.NowSeconds();
  for (uint32_t i = 0; i < agents_.size(); ++i) {
    agents_[i]->Look(mail_seconds_);
    Schedule(i, clock_.MonotonicMilliseconds());
  }
  mail_goes_on_ = false;
  Drive("ending", kNever, true, [this] { return AllUpToDate(); });
  const RunFigures figures = Figures();
  on_progress_ = nullptr;
  return figures;
}

RunFigures FleetRun::Figures() const {
  RunFigures figures;
  figures.agents = agents_.size();
  for (const auto& agent : agents_) {
    const SimulatedAgent::Counters counters = agent->counters();
    AddTo(&figures.sum, counters);
    figures.welcome += agent->is_welcome() ? 1 : 0;
    figures.never_welcome += counters.connections == 0 ? 1 : 0;
    figures.waiting += agent->UpToDate() ? 0 : 1;
    figures.messages += agent->queue().message_count();
    if (figures.problem.empty()) figures.problem = agent->last_problem();
  }
  figures.milliseconds = clock_.MonotonicMilliseconds() - start_milliseconds_;
  figures.latency_p50_milliseconds = latencies_.Quantile(0.5);
  figures.latency_p99_milliseconds = latencies_.Quantile(0.99);
  figures.now_seconds = mail_goes_on_ ? clock_.NowSeconds() : mail_seconds_;
  return figures;
}

}  // namespace fleetqshape
