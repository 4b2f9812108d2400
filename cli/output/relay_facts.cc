#include "cli/output/relay_facts.h"

namespace fleetqshape {

uint64_t MessagesIn(const v1::RelayStatus& relay, v1::Queue queue) {
  uint64_t messages = 0;
  for (const v1::QueueMessages& one : relay.queues()) {
    if (one.queue() == queue) messages += one.messages();
  }
  return messages;
}

uint64_t MessagesOf(const v1::RelayStatus& relay) {
  uint64_t messages = 0;
  for (const v1::QueueMessages& queue : relay.queues()) messages += queue.messages();
  return messages;
}

bool HasState(const v1::RelayStatus& relay) {
  return !relay.damaged() && relay.freshness() != v1::FRESHNESS_MISSING;
}

uint64_t SkippedFiles(const v1::RelayStatus& relay) {
  return relay.files().unreadable() + relay.files().damaged();
}

std::string LabelOf(const v1::RelayStatus& relay, std::string_view key) {
  for (const v1::Label& label : relay.labels()) {
    if (label.key() == key) return label.value();
  }
  return "";
}

std::string_view StateOf(const v1::RelayStatus& relay) {
  if (relay.damaged()) return "damaged";
  switch (relay.freshness()) {
    case v1::FRESHNESS_FRESH:
      return "fresh";
    case v1::FRESHNESS_STALE:
      return MessagesOf(relay) > 0 ? "stranded" : "stale";
    case v1::FRESHNESS_MISSING:
      return "missing";
    default:
      return "?";
  }
}

bool IsSkewed(const v1::RelayStatus& relay) {
  constexpr int64_t kMilliseconds = 2000;
  return relay.clock_offset_milliseconds() > kMilliseconds ||
         relay.clock_offset_milliseconds() < -kMilliseconds;
}

}  // namespace fleetqshape
