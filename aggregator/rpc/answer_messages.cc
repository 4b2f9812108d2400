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
    one->set_clock_offset_milliseconds(notice.clock_offset_milliseconds);
    one->set_skipped_files(notice.skipped_files);
  }
}

void FillCoverage(const Coverage& coverage, v1::Coverage* filled) {
  filled->set_relays(static_cast<uint32_t>(coverage.relays));
  filled->set_fresh(static_cast<uint32_t>(coverage.fresh));
  FillNotices(coverage.stale, filled->mutable_stale());
  FillNotices(coverage.missing, filled->mutable_missing());
  filled->set_problem(coverage.problem);
  FillNotices(coverage.skewed, filled->mutable_skewed());
  filled->set_skipped_files(coverage.skipped_files);
  filled->set_left_out(static_cast<uint32_t>(coverage.left_out));
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
  head.set_columns(static_cast<uint32_t>(answer.columns));
  head.mutable_total()->Add(answer.total.begin(), answer.total.end());
  FillCoverage(answer.coverage, head.mutable_coverage());
  head.set_at_seconds(answer.at_seconds);
  for (const GroupOfRelays& group : answer.groups) {
    v1::Group* filled = head.add_groups();
    filled->set_name(group.name);
    filled->set_relays(static_cast<uint32_t>(group.relays));
  }
  head.set_rows(answer.rows);
  head.set_cut_off_total(answer.cut_off_total);
  head.mutable_median_ages()->Add(answer.total_median_ages.begin(), answer.total_median_ages.end());
  head.mutable_oldest_ages()->Add(answer.total_oldest_ages.begin(), answer.total_oldest_ages.end());
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
