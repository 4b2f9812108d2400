// Postfix's queues, and the axes of a table.
#ifndef FLEETQSHAPE_COMMON_SHAPE_QUEUE_H_
#define FLEETQSHAPE_COMMON_SHAPE_QUEUE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fleetqshape {

// The queues that hold messages (postfix: src/global/mail_queue.h). The numbers are part of the
// wire and store formats (proto/fleetqshape/v1/shape.proto) and never change.
enum class Queue : uint8_t {
  kMaildrop = 1,
  kHold = 2,
  kIncoming = 3,
  kActive = 4,
  kDeferred = 5,
};

inline constexpr std::array<Queue, 5> kAllQueues = {
    Queue::kMaildrop, Queue::kHold, Queue::kIncoming, Queue::kActive, Queue::kDeferred};

// The queue's directory name, as in Postfix.
constexpr std::string_view QueueName(Queue queue) {
  switch (queue) {
    case Queue::kMaildrop:
      return "maildrop";
    case Queue::kHold:
      return "hold";
    case Queue::kIncoming:
      return "incoming";
    case Queue::kActive:
      return "active";
    case Queue::kDeferred:
      return "deferred";
  }
  return "";
}

// The queue of that name, if it is one.
constexpr std::optional<Queue> QueueFromName(std::string_view name) {
  for (Queue queue : kAllQueues) {
    if (QueueName(queue) == name) return queue;
  }
  return std::nullopt;
}

// What the rows of a table are. The numbers are part of the formats, as above.
enum class Axis : uint8_t {
  kRecipientDomain = 1,  // counts recipients still to be delivered
  kSenderDomain = 2,     // counts messages
};

inline constexpr std::array<Axis, 2> kAllAxes = {Axis::kRecipientDomain, Axis::kSenderDomain};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_QUEUE_H_
