#include "aggregator/rpc/answer_messages.h"

#include <vector>

namespace fleetqshape {
namespace {

void FillNotices(const std::vector<RelayNotice>& notices,
                 google::protobuf::RepeatedPtrField<v1::RelayNotice>* filled) {
  for (const RelayNotice& notice : notices) {
    v1::RelayNotice* one = filled->Add();
    one->set_cluster(notice.identity.cluster);
    one->set_host(notice.identity.host);
    one->set_instance(notice.identity.instance);
    one->set_silent_seconds(notice.silent_seconds);
    one->set_messages(notice.messages);
    one->set_damaged(notice.damaged);
  }
}

v1::Freshness FreshnessNumber(Freshness freshness) {
  switch (freshness) {
    case Freshness::kFresh:
      return v1::FRESHNESS_FRESH;
    case Freshness::kStale:
      return v1::FRESHNESS_STALE;
    case Freshness::kMissing:
      return v1::FRESHNESS_MISSING;
  }
  return v1::FRESHNESS_UNSPECIFIED;
}

}  // namespace

v1::TableHead MakeHead(const TableAnswer& answer) {
  v1::TableHead head;
  head.set_columns(static_cast<uint32_t>(answer.table.columns));
  head.mutable_total()->Add(answer.table.total.begin(), answer.table.total.end());
  head.mutable_coverage()->set_relays(static_cast<uint32_t>(answer.coverage.relays));
  head.mutable_coverage()->set_fresh(static_cast<uint32_t>(answer.coverage.fresh));
  FillNotices(answer.coverage.stale, head.mutable_coverage()->mutable_stale());
  FillNotices(answer.coverage.missing, head.mutable_coverage()->mutable_missing());
  head.mutable_coverage()->set_problem(answer.coverage.problem);
  head.set_at_seconds(answer.at_seconds);
  return head;
}

void FillStatus(const RelayStatus& relay, v1::RelayStatus* filled) {
  const RelayDescription& description = *relay.description;
  filled->set_cluster(description.identity.cluster);
  filled->set_host(description.identity.host);
  filled->set_instance(description.identity.instance);
  for (const auto& [key, value] : description.labels) {
    v1::Label* label = filled->add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  filled->set_agent_version(description.agent_version);
  for (size_t i = 0; i < kAllQueues.size(); ++i) {
    v1::QueueMessages* queue = filled->add_queues();
    queue->set_queue(static_cast<v1::Queue>(kAllQueues[i]));
    queue->set_messages(relay.messages[i]);
  }
  if (relay.settings != nullptr) *filled->mutable_settings() = *relay.settings;
  if (relay.files != nullptr) *filled->mutable_files() = *relay.files;
  filled->set_heard_seconds(relay.heard_milliseconds / 1000);
  filled->set_clock_offset_milliseconds(relay.clock_offset_milliseconds);
  filled->set_connected(relay.connected);
  filled->set_freshness(FreshnessNumber(relay.freshness));
  filled->set_silent_seconds(relay.silent_seconds);
  filled->set_damaged(relay.damaged);
}

}  // namespace fleetqshape
