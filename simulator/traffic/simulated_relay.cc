#include "simulator/traffic/simulated_relay.h"

#include <algorithm>
#include <random>

namespace fleetqshape {
namespace {

// Times of more mail than usual, on one relay.
constexpr int64_t kBurstSeconds = 600;
constexpr double kBurstShare = 0.02;  // of its time
constexpr double kBurstFactor = 10;
// Times in which forged senders write to users that do not exist, on a gateway.
constexpr int64_t kAttackSeconds = 1800;
constexpr double kAttackShare = 0.03;
constexpr double kAttackFactor = 3;  // over the usual mail

constexpr int64_t kTimeOutSeconds = 30;  // smtp_connect_timeout
constexpr int64_t kLongestHoldSeconds = 86'400;

enum Purpose : uint64_t { kBurst = 1, kAttack, kQueueRun };

bool IsTimeOf(Purpose purpose, uint64_t seed, int64_t now, int64_t length, double share) {
  const auto phase = static_cast<int64_t>(Scramble(seed, purpose) % static_cast<uint64_t>(length));
  const auto period = static_cast<uint64_t>((now + phase) / length);
  return FractionOf(Scramble(seed, purpose, period)) < share;
}

}  // namespace

v1::PostfixSettings SettingsMessage(const QueueSettings& settings) {
  v1::PostfixSettings message;
  message.set_mail_version("3.7.11");
  message.set_active_limit(settings.active_limit);
  message.set_recipient_limit(settings.active_limit);
  message.set_minimal_backoff_seconds(static_cast<uint64_t>(settings.minimal_backoff_seconds));
  message.set_maximal_backoff_seconds(static_cast<uint64_t>(settings.maximal_backoff_seconds));
  message.set_queue_run_delay_seconds(static_cast<uint64_t>(settings.queue_run_delay_seconds));
  const auto lifetime = static_cast<uint64_t>(settings.maximal_queue_lifetime_seconds);
  message.set_maximal_queue_lifetime_seconds(lifetime);
  message.set_bounce_queue_lifetime_seconds(lifetime);
  return message;
}

SimulatedRelay::SimulatedRelay(const World& world, const RelayPlan& plan,
                               SimulatedQueue::CellObserver observer)
    : world_(world),
      plan_(plan),
      random_(Scramble(plan.seed, 0)),
      queue_(world.domains, std::move(observer)) {
  for (DomainId& domain : own_domains_) domain = world_.domains->Draw(&random_);
}

void SimulatedRelay::DrawRecipients(NewMessage* message) {
  if (plan_.role == Role::kGateway && random_.Chance(0.9)) {
    message->domains[0] = own_domains_[random_.Below(kOwnDomains)];
  } else {
    message->domains[0] = world_.domains->Draw(&random_);
  }
  const bool to_many = random_.Chance(0.08);
  message->recipients[0] = static_cast<uint16_t>(to_many ? 2 + random_.Below(19) : 1);
  if (to_many && random_.Chance(0.5)) {
    message->domains[1] = world_.domains->Draw(&random_);
    message->recipients[1] = static_cast<uint16_t>(1 + random_.Below(5));
  }
}

NewMessage SimulatedRelay::DrawMessage(int64_t arrival) {
  NewMessage message;
  message.arrival = arrival;
  if (random_.Chance(0.02)) {
    message.sender = kMailerDaemon;
  } else if (plan_.role == Role::kSpamRelay && random_.Chance(0.7)) {
    message.sender = own_domains_[random_.Below(kOwnDomains)];
  } else if (random_.Chance(0.05)) {
    message.sender = world_.domains->DrawForged(&random_);
  } else {
    message.sender = world_.domains->Draw(&random_);
  }
  DrawRecipients(&message);
  return message;
}

NewMessage SimulatedRelay::DrawAttack(int64_t arrival) {
  NewMessage message;
  message.arrival = arrival;
  message.sender = world_.domains->DrawForged(&random_);
  message.domains[0] = own_domains_[0];
  message.recipients[0] = static_cast<uint16_t>(1 + random_.Below(10));
  message.unknown_users = true;
  return message;
}

int64_t SimulatedRelay::BackoffSeconds(int64_t age) const {
  return std::clamp(age, world_.settings.minimal_backoff_seconds,
                    world_.settings.maximal_backoff_seconds);
}

void SimulatedRelay::Fill(int64_t now, const std::vector<DomainId>& out) {
  now_ = now;
  queue_.Reserve(plan_.messages + plan_.messages / 16);
  for (uint32_t i = 0; i < plan_.messages; ++i) FillOne(now, out);
}

void SimulatedRelay::FillOne(int64_t now, const std::vector<DomainId>& out) {
  const double kind = random_.Fraction();
  if (kind < 0.04 && !IsActiveFull()) {
    NewMessage message = DrawMessage(now - random_.Below(60));
    const uint32_t index = queue_.Add(Queue::kActive, message);
    events_.emplace(now + 1 + random_.Below(kTimeOutSeconds), index);
    return;
  }
  if (kind < 0.05) {
    Enter(Queue::kIncoming, DrawMessage(now), now);
    return;
  }
  // There are more young ones than old ones.
  const double fraction = random_.Fraction();
  const auto oldest = static_cast<double>(world_.settings.maximal_queue_lifetime_seconds);
  const auto age = static_cast<int64_t>(oldest * fraction * fraction * fraction);
  NewMessage message = DrawMessage(now - age);
  if (kind < 0.07) {
    const uint32_t index = queue_.Add(Queue::kHold, message);
    queue_.At(index).next_event = static_cast<uint32_t>(now + random_.Below(kLongestHoldSeconds));
    return;
  }
  if (kind < 0.20) {  // returned to whoever never was
    message.sender = kMailerDaemon;
    message.domains[0] = world_.domains->DrawForged(&random_);
  } else {
    message.domains[0] = out[random_.Below(static_cast<uint32_t>(out.size()))];
  }
  const uint32_t index = queue_.Add(Queue::kDeferred, message);
  queue_.At(index).tried = true;
  // Somewhere between its last attempt and its next one.
  const auto longest = static_cast<uint32_t>(BackoffSeconds(age));
  queue_.At(index).next_event = static_cast<uint32_t>(now + random_.Below(longest + 1));
}

void SimulatedRelay::AdvanceTo(int64_t now) {
  while (now_ < now) Step(++now_);
}

void SimulatedRelay::Step(int64_t now) {
  while (!events_.empty() && events_.top().first <= now) {
    const uint32_t index = events_.top().second;
    events_.pop();
    const Queue queue = queue_.At(index).queue;
    if (queue == Queue::kActive) {
      FinishAttempt(index, now);
    } else if (queue == Queue::kMaildrop) {
      queue_.Move(index, Queue::kIncoming);
      Admit(index, now);
    } else {
      Admit(index, now);
    }
  }
  while (!waiting_.empty() && !IsActiveFull()) {
    Activate(waiting_.front(), now);
    waiting_.pop_front();
  }
  const int64_t delay = world_.settings.queue_run_delay_seconds;
  const auto phase =
      static_cast<int64_t>(Scramble(plan_.seed, kQueueRun) % static_cast<uint64_t>(delay));
  if ((now + phase) % delay == 0) RunQueue(now);
  Arrivals(now);
}

void SimulatedRelay::Arrivals(int64_t now) {
  const auto draw_count = [this](double rate) {
    return rate > 0 ? std::poisson_distribution<uint32_t>(rate)(random_) : 0;
  };
  // So that the mean over a long time is the plan's.
  const bool attacked = plan_.role == Role::kGateway;
  const double usual = plan_.rate / (1 + kBurstShare * (kBurstFactor - 1) +
                                     (attacked ? kAttackShare * kAttackFactor : 0));
  const bool burst = IsTimeOf(kBurst, plan_.seed, now, kBurstSeconds, kBurstShare);
  for (uint32_t n = draw_count(burst ? usual * kBurstFactor : usual); n > 0; --n) {
    const Queue queue = random_.Chance(0.02) ? Queue::kMaildrop : Queue::kIncoming;
    Enter(queue, DrawMessage(now), now);
  }
  if (!attacked || !IsTimeOf(kAttack, plan_.seed, now, kAttackSeconds, kAttackShare)) return;
  for (uint32_t n = draw_count(usual * kAttackFactor); n > 0; --n) {
    Enter(Queue::kIncoming, DrawAttack(now), now);
  }
}

void SimulatedRelay::Enter(Queue queue, const NewMessage& message, int64_t now) {
  if (random_.Chance(0.005)) {
    const uint32_t index = queue_.Add(Queue::kHold, message);
    queue_.At(index).next_event = static_cast<uint32_t>(now + random_.Below(kLongestHoldSeconds));
    return;
  }
  events_.emplace(now + 1, queue_.Add(queue, message));
}

void SimulatedRelay::Admit(uint32_t index, int64_t now) {
  if (!waiting_.empty() || IsActiveFull()) {
    waiting_.push_back(index);
  } else {
    Activate(index, now);
  }
}

void SimulatedRelay::Activate(uint32_t index, int64_t now) {
  queue_.Move(index, Queue::kActive);
  const SimulatedQueue::Message& message = queue_.At(index);
  bool slow = false;
  for (size_t i = 0; i < message.domains.size(); ++i) {
    slow |= message.recipients[i] > 0 &&
            world_.destinations->IsOut(queue_.DomainOf(message.domains[i]), now);
  }
  events_.emplace(now + (slow ? kTimeOutSeconds : 0) + 1 + random_.Below(4), index);
}

void SimulatedRelay::FinishAttempt(uint32_t index, int64_t now) {
  SimulatedQueue::Message& message = queue_.At(index);
  const bool first = !message.tried;
  message.tried = true;
  if (message.unknown_users) {
    Return(index, now);
    return;
  }
  bool all_done = true;
  for (size_t i = 0; i < message.domains.size(); ++i) {
    if (message.recipients[i] == 0) continue;
    const DomainId domain = queue_.DomainOf(message.domains[i]);
    const bool fails = world_.destinations->IsOut(domain, now) ||
                       (first && world_.destinations->Greylists(domain));
    if (fails) {
      all_done = false;
    } else {
      queue_.Deliver(index, i);
    }
  }
  const int64_t age = now - message.arrival;
  if (all_done) {
    queue_.Remove(index);
  } else if (age > world_.settings.maximal_queue_lifetime_seconds) {
    Return(index, now);
  } else {
    message.next_event = static_cast<uint32_t>(now + BackoffSeconds(age));
    queue_.Move(index, Queue::kDeferred);
  }
}

void SimulatedRelay::Return(uint32_t index, int64_t now) {
  const DomainId sender = queue_.DomainOf(queue_.At(index).sender);
  queue_.Remove(index);
  if (sender == kMailerDaemon) return;  // nobody to return it to
  NewMessage bounce;
  bounce.arrival = now;
  bounce.domains[0] = sender;
  bounce.recipients[0] = 1;
  events_.emplace(now + 1, queue_.Add(Queue::kIncoming, bounce));
}

void SimulatedRelay::RunQueue(int64_t now) {
  for (uint32_t index = 0; index < queue_.end(); ++index) {
    const SimulatedQueue::Message& message = queue_.At(index);
    if (!message.is_there || message.next_event > now) continue;
    if (message.queue == Queue::kDeferred && !IsActiveFull()) {
      Activate(index, now);
    } else if (message.queue == Queue::kHold) {
      queue_.Move(index, Queue::kIncoming);
      Admit(index, now);
    }
  }
}

bool SimulatedRelay::RenewNamesIfWorthwhile() {
  if (!queue_.NamesWorthRenewing()) return false;
  queue_.RenewNames();
  return true;
}

}  // namespace fleetqshape
