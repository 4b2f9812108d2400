#include "cli/output/forgotten_text.h"

#include "absl/strings/str_cat.h"
#include "cli/output/figures.h"
#include "cli/output/relay_facts.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

// When it was heard of, and what its queues held then.
std::string LastHeardText(const v1::RelayStatus& relay) {
  return absl::StrCat("last heard of ", TimeText(relay.heard_seconds()), " (",
                      DurationText(relay.silent_seconds()), " ago), ",
                      relay.damaged() ? "what its queues held is not known"
                                      : CountText(MessagesOf(relay), "message"));
}

std::string StrandedRelayText(const v1::RelayStatus& relay) {
  if (relay.damaged()) {
    return absl::StrCat(RelayName(relay),
                        " is not forgotten: what its queues hold is not known, its stored state "
                        "was damaged; start its agent, or give --stranded to forget it anyway");
  }
  const uint64_t messages = MessagesOf(relay);
  return absl::StrCat(RelayName(relay), " is not forgotten: its queues held ",
                      CountText(messages, "message"), " when it was heard of last, ",
                      DurationText(relay.silent_seconds()), " ago; see to ",
                      messages == 1 ? "it" : "them",
                      " on that host, or give --stranded to forget the relay anyway");
}

}  // namespace

ForgottenText TextOfForgotten(const v1::ForgetRelaysResponse& response) {
  ForgottenText text;
  for (const v1::RelayStatus& relay : response.forgotten()) {
    text.forgotten.push_back(
        PrintableName(absl::StrCat(RelayName(relay), " forgotten: ", LastHeardText(relay))));
  }
  for (const v1::RelayStatus& relay : response.connected()) {
    text.left.push_back(PrintableName(absl::StrCat(
        RelayName(relay), " is not forgotten: its agent reports; stop that agent first")));
  }
  for (const v1::RelayStatus& relay : response.stranded()) {
    text.left.push_back(PrintableName(StrandedRelayText(relay)));
  }
  return text;
}

}  // namespace fleetqshape
