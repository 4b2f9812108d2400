#include "simulator/traffic/simulated_queue.h"

#include <utility>

#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

// Below this many ids a table is never worth renewing.
constexpr size_t kSmallNameTable = 4096;

}  // namespace

SimulatedQueue::SimulatedQueue(const Domains* domains, CellObserver observer)
    : domains_(*domains), observer_(std::move(observer)) {
  static_assert(sizeof(Message) == 28);
}

uint32_t SimulatedQueue::Acquire(DomainId domain) {
  const auto [entry, is_new] = ids_.try_emplace(domain, static_cast<uint32_t>(names_.size()));
  if (is_new) names_.push_back({domain, 0});
  if (names_[entry->second].uses++ == 0) ++used_names_;
  return entry->second;
}

void SimulatedQueue::Release(uint32_t name_id) {
  if (--names_[name_id].uses == 0) --used_names_;
}

uint32_t SimulatedQueue::Add(Queue queue, const NewMessage& message) {
  if (free_.empty()) {
    free_.push_back(end());
    messages_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  Message& added = messages_[index];
  added = Message{};
  added.arrival = static_cast<uint32_t>(message.arrival);
  added.sender = Acquire(message.sender);
  for (size_t i = 0; i < message.domains.size(); ++i) {
    if (message.recipients[i] == 0) continue;
    added.domains[i] = Acquire(message.domains[i]);
    added.recipients[i] = message.recipients[i];
  }
  added.queue = queue;
  added.is_there = true;
  added.unknown_users = message.unknown_users;
  Count(added, 1);
  return index;
}

void SimulatedQueue::Move(uint32_t index, Queue queue) {
  Message& message = messages_[index];
  Count(message, -1);
  message.queue = queue;
  Count(message, 1);
}

void SimulatedQueue::Deliver(uint32_t index, size_t which) {
  Message& message = messages_[index];
  if (message.recipients[which] == 0) return;
  Change(message, Axis::kRecipientDomain, message.domains[which], -message.recipients[which]);
  Release(message.domains[which]);
  message.recipients[which] = 0;
}

void SimulatedQueue::Remove(uint32_t index) {
  Message& message = messages_[index];
  Count(message, -1);
  Release(message.sender);
  for (size_t i = 0; i < message.domains.size(); ++i) {
    if (message.recipients[i] > 0) Release(message.domains[i]);
  }
  message.is_there = false;
  free_.push_back(index);
}

void SimulatedQueue::Count(const Message& message, int change) {
  Change(message, Axis::kSenderDomain, message.sender, change);
  for (size_t i = 0; i < message.domains.size(); ++i) {
    if (message.recipients[i] == 0) continue;
    Change(message, Axis::kRecipientDomain, message.domains[i], change * message.recipients[i]);
  }
}

void SimulatedQueue::Change(const Message& message, Axis axis, uint32_t name_id, int64_t change) {
  const auto times = static_cast<uint64_t>(change);  // losses modulo 2^64
  const uint64_t name_hash = domains_.Hash(names_[name_id].domain);
  digest_ += CellHash(message.queue, axis, name_hash, message.arrival) * times;
  arrival_counts_[static_cast<size_t>(message.queue)][static_cast<size_t>(axis)] += times;
  observer_({message.queue, axis, name_id, message.arrival}, change);
}

std::string_view SimulatedQueue::Name(uint32_t id) const {
  return domains_.Name(names_[id].domain, &scratch_);
}

bool SimulatedQueue::NamesWorthRenewing() const {
  return names_.size() > 2 * used_names_ + kSmallNameTable;
}

void SimulatedQueue::RenewNames() {
  const std::vector<NameEntry> before = std::exchange(names_, {});
  ids_ = {};
  used_names_ = 0;
  for (Message& message : messages_) {
    if (!message.is_there) continue;
    message.sender = Acquire(before[message.sender].domain);
    for (size_t i = 0; i < message.domains.size(); ++i) {
      if (message.recipients[i] > 0)
        message.domains[i] = Acquire(before[message.domains[i]].domain);
    }
  }
}

Block SimulatedQueue::MakeBlock(Queue queue, Axis axis) const {
  std::vector<std::pair<uint32_t, int64_t>> arrivals;  // name id, seconds
  arrivals.reserve(arrival_count(queue, axis));
  if (arrivals.capacity() == 0) return Block();
  for (const Message& message : messages_) {
    if (!message.is_there || message.queue != queue) continue;
    if (axis == Axis::kSenderDomain) {
      arrivals.emplace_back(message.sender, message.arrival);
      continue;
    }
    for (size_t i = 0; i < message.domains.size(); ++i) {
      arrivals.insert(arrivals.end(), message.recipients[i], {message.domains[i], message.arrival});
    }
  }
  return BlockOf(std::move(arrivals));
}

}  // namespace fleetqshape
