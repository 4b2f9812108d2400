#include "aggregator/ingest/relay_records.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kProtocolVersion = 1;
constexpr int kMaxLabels = 32;

// From a Hello or a StoredRelay.
template <typename Message>
std::shared_ptr<const RelayDescription> Describe(const Message& message) {
  auto description = std::make_shared<RelayDescription>();
  description->identity = {message.cluster(), message.host(), message.instance()};
  for (const v1::Label& label : message.labels()) {
    description->labels[label.key()] = label.value();
  }
  description->agent_version = message.agent_version();
  return description;
}

}  // namespace

absl::Status ValidateHello(const v1::Hello& hello) {
  if (hello.protocol_version() != kProtocolVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("the agent speaks protocol version ", hello.protocol_version(),
                     ", this aggregator ", kProtocolVersion, "; upgrade the older of the two"));
  }
  FQS_RETURN_IF_ERROR(ValidateName("cluster", hello.cluster()));
  FQS_RETURN_IF_ERROR(ValidateName("host", hello.host()));
  FQS_RETURN_IF_ERROR(ValidateName("instance", hello.instance()));
  FQS_RETURN_IF_ERROR(ValidateName("agent version", hello.agent_version()));
  if (hello.labels_size() > kMaxLabels) return absl::InvalidArgumentError("too many labels");
  for (const v1::Label& label : hello.labels()) {
    FQS_RETURN_IF_ERROR(ValidateName("label key", label.key()));
    FQS_RETURN_IF_ERROR(ValidateName("label value", label.value()));
  }
  return absl::OkStatus();
}

std::shared_ptr<const RelayDescription> DescriptionOf(const v1::Hello& hello) {
  return Describe(hello);
}

std::shared_ptr<const RelayDescription> DescriptionOf(const v1::StoredRelay& record) {
  return Describe(record);
}

v1::StoredRelay RecordOf(const RelayState& state) {
  v1::StoredRelay record;
  record.set_epoch(state.epoch);
  record.set_sequence(state.sequence);
  record.set_digest(state.digest);
  record.set_name_count(static_cast<uint32_t>(state.names.size()));
  if (state.settings != nullptr) *record.mutable_settings() = *state.settings;
  if (state.files != nullptr) *record.mutable_files() = *state.files;
  record.set_damaged(state.damaged);
  return record;
}

void DescribeRelay(const RelayView& view, v1::StoredRelay* record) {
  const RelayDescription& description = *view.description;
  record->set_cluster(description.identity.cluster);
  record->set_host(description.identity.host);
  record->set_instance(description.identity.instance);
  for (const auto& [key, value] : description.labels) {
    v1::Label* label = record->add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  record->set_agent_version(description.agent_version);
  record->set_heard_milliseconds(view.heard.wall_milliseconds);
  record->set_clock_offset_milliseconds(view.clock_offset_milliseconds);
}

}  // namespace fleetqshape
