// What is known of one relay, as an aggregator lists it.
#ifndef FLEETQSHAPE_CLI_OUTPUT_RELAY_FACTS_H_
#define FLEETQSHAPE_CLI_OUTPUT_RELAY_FACTS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// Of a RelayNotice or a RelayStatus: cluster/host/instance.
template <typename Relay>
std::string RelayName(const Relay& relay) {
  return absl::StrCat(relay.cluster(), "/", relay.host(), "/", relay.instance());
}

// In one queue, and in all of them.
uint64_t MessagesIn(const v1::RelayStatus& relay, v1::Queue queue);
uint64_t MessagesOf(const v1::RelayStatus& relay);

// False: nobody knows what its queues hold.
bool HasState(const v1::RelayStatus& relay);

// Files that could not be counted: unreadable and damaged ones.
uint64_t SkippedFiles(const v1::RelayStatus& relay);

// What its label says; empty without that label.
std::string LabelOf(const v1::RelayStatus& relay, std::string_view key);

// fresh, stale, stranded (stale, with mail in its queues), missing, damaged.
std::string_view StateOf(const v1::RelayStatus& relay);

// True if its clock differs from the aggregator's by more than 2 seconds, as in v1::Coverage.
bool IsSkewed(const v1::RelayStatus& relay);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_RELAY_FACTS_H_
