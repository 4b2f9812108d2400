#include "aggregator/rpc/relay_list_stream.h"

#include "aggregator/rpc/answer_messages.h"
#include "aggregator/rpc/question_parser.h"
#include "common/base/status_macros.h"

namespace fleetqshape {

absl::Status RelayListStream::Prepare(const std::atomic<bool>& /*cancelled*/) {
  FQS_ASSIGN_OR_RETURN(const Selection selection, ParseSelection(request_.selection()));
  FQS_ASSIGN_OR_RETURN(list_, engine_.ListRelays(selection));
  return absl::OkStatus();
}

bool RelayListStream::FillNext(v1::ListRelaysResponse* response) {
  if (next_relay_ == list_.relays.size()) return false;
  if (next_relay_ == 0) response->set_at_seconds(list_.at_seconds);
  size_t bytes = 0;
  for (; next_relay_ < list_.relays.size() && bytes < kResponseBytes; ++next_relay_) {
    v1::RelayStatus* relay = response->add_relays();
    FillStatus(list_.relays[next_relay_], relay);
    bytes += relay->ByteSizeLong();
  }
  return true;
}

}  // namespace fleetqshape
