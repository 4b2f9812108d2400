// The messages of one simulated relay, in little memory.
#ifndef FLEETQSHAPE_SIMULATOR_TRAFFIC_SIMULATED_QUEUE_H_
#define FLEETQSHAPE_SIMULATOR_TRAFFIC_SIMULATED_QUEUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "agent/watch/queue_state.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"
#include "simulator/traffic/domains.h"

namespace fleetqshape {

// A message as it comes in. Recipients are at one domain or two; a domain with none doesn't count.
struct NewMessage {
  int64_t arrival = 0;  // seconds since the Unix epoch, from 0 to 2^32
  DomainId sender = kMailerDaemon;
  std::array<DomainId, 2> domains{};
  std::array<uint16_t, 2> recipients{};
  bool unknown_users = false;  // nobody is there by that name: it is returned
};

// Messages by index, and the cells that they make. Exact, and in step with its observer. Not safe
// for use by several threads.
class SimulatedQueue final : public QueueState {
 public:
  // Told of each arrival that the state gains or loses, as it happens.
  using CellObserver = std::function<void(const Cell& cell, int64_t change)>;

  // 28 bytes a message.
  struct Message {
    uint32_t arrival;     // seconds since the Unix epoch
    uint32_t next_event;  // the same: the caller's, 0 at first
    uint32_t sender;      // name ids
    std::array<uint32_t, 2> domains;
    std::array<uint16_t, 2> recipients;  // 0: none
    Queue queue;
    bool is_there : 1;
    bool unknown_users : 1;
    bool tried : 1;  // the caller's, false at first
  };

  // `domains` outlives the queue.
  SimulatedQueue(const Domains* domains, CellObserver observer);

  // Indexes stay until the message is removed, and are used again then.
  uint32_t Add(Queue queue, const NewMessage& message);
  void Move(uint32_t index, Queue queue);
  // The recipients at one of its domains have their copies. The message stays, even without any.
  void Deliver(uint32_t index, size_t which);
  void Remove(uint32_t index);

  Message& At(uint32_t index) { return messages_[index]; }
  const Message& At(uint32_t index) const { return messages_[index]; }
  // Indexes below this may be in use: see Message::is_there.
  uint32_t end() const { return static_cast<uint32_t>(messages_.size()); }
  void Reserve(size_t messages) { messages_.reserve(messages); }

  size_t message_count() const { return messages_.size() - free_.size(); }
  uint64_t message_count(Queue queue) const { return arrival_count(queue, Axis::kSenderDomain); }
  DomainId DomainOf(uint32_t name_id) const { return names_[name_id].domain; }

  // True if most ids are those of names that are gone.
  bool NamesWorthRenewing() const;
  // Gives new ids to the names in use. The observer is not told.
  void RenewNames();

  size_t name_count() const override { return names_.size(); }
  std::string_view Name(uint32_t id) const override;
  uint64_t digest() const override { return digest_; }
  uint64_t arrival_count(Queue queue, Axis axis) const override {
    return arrival_counts_[static_cast<size_t>(queue)][static_cast<size_t>(axis)];
  }
  Block MakeBlock(Queue queue, Axis axis) const override;

 private:
  struct NameEntry {
    DomainId domain;
    uint32_t uses;
  };

  uint32_t Acquire(DomainId domain);
  void Release(uint32_t name_id);
  // Adds (1) or takes away (-1) the message's cells.
  void Count(const Message& message, int change);
  void Change(const Message& message, Axis axis, uint32_t name_id, int64_t change);

  const Domains& domains_;
  const CellObserver observer_;
  std::vector<Message> messages_;
  std::vector<uint32_t> free_;
  std::vector<NameEntry> names_;
  absl::flat_hash_map<DomainId, uint32_t> ids_;
  size_t used_names_ = 0;
  uint64_t digest_ = 0;
  std::array<std::array<uint64_t, 3>, 6> arrival_counts_{};  // by queue and axis
  mutable std::string scratch_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_TRAFFIC_SIMULATED_QUEUE_H_
