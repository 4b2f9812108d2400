#include "agent/inspect/state_json.h"

#include <string>

#include "common/base/printable.h"
#include "nlohmann/json.hpp"

namespace fleetqshape {
namespace {

using nlohmann::ordered_json;

ordered_json SettingsJson(const PostfixSettings& settings) {
  return {{"mail_version", PrintableName(settings.mail_version)},
          {"qmgr_message_active_limit", settings.active_limit},
          {"qmgr_message_recipient_limit", settings.recipient_limit},
          {"minimal_backoff_time", settings.minimal_backoff_seconds},
          {"maximal_backoff_time", settings.maximal_backoff_seconds},
          {"queue_run_delay", settings.queue_run_delay_seconds},
          {"maximal_queue_lifetime", settings.maximal_queue_lifetime_seconds},
          {"bounce_queue_lifetime", settings.bounce_queue_lifetime_seconds}};
}

ordered_json FilesJson(const FileCounts& counts) {
  return {{"being_written", counts.of(FileKind::kBeingWritten)},
          {"unreadable", counts.of(FileKind::kUnreadable)},
          {"no_recipients", counts.of(FileKind::kNoRecipients)},
          {"foreign", counts.of(FileKind::kForeign)},
          {"damaged", counts.of(FileKind::kDamaged)},
          {"linked", counts.of(FileKind::kLinked)},
          {"force_expired", counts.force_expired},
          {"group_readable", counts.group_readable}};
}

ordered_json ShapeJson(const QueueModel& model, Queue queue, Axis axis) {
  const Block block = model.MakeBlock(queue, axis);
  ordered_json shape = ordered_json::array();
  for (size_t i = 0; i < block.name_ids.size(); ++i) {
    ordered_json arrivals = ordered_json::array();
    for (size_t k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
      arrivals.push_back(block.arrivals[k]);
    }
    shape.push_back({{"name", PrintableName(model.names().name(block.name_ids[i]))},
                     {"arrivals", std::move(arrivals)}});
  }
  return shape;
}

}  // namespace

ordered_json StateJson(const AgentOptions& options, const RelayOptions& relay,
                       const QueueModel& model) {
  const v1::Hello hello = MakeHello(options, relay.instance);
  ordered_json state;
  state["cluster"] = hello.cluster();
  state["host"] = hello.host();
  state["instance"] = hello.instance();
  state["labels"] = ordered_json::object();
  for (const v1::Label& label : hello.labels()) state["labels"][label.key()] = label.value();
  state["queue_directory"] = PrintableName(relay.queue_directory);
  state["settings"] = relay.settings ? SettingsJson(*relay.settings) : ordered_json();
  state["messages"] = model.message_count();
  state["files"] = FilesJson(model.file_counts());
  state["queues"] = ordered_json::object();
  for (const Queue queue : kAllQueues) {
    ordered_json& json = state["queues"][std::string(QueueName(queue))];
    json["messages"] = model.arrival_count(queue, Axis::kSenderDomain);
    json["recipients"] = model.arrival_count(queue, Axis::kRecipientDomain);
    json["sender_domains"] = ShapeJson(model, queue, Axis::kSenderDomain);
    json["recipient_domains"] = ShapeJson(model, queue, Axis::kRecipientDomain);
  }
  return state;
}

}  // namespace fleetqshape
