#include "cli/client/fleet_text.h"

#include "absl/strings/str_cat.h"
#include "common/base/printable.h"

namespace fleetqshape {

std::string FailureText(const absl::Status& failure, const std::string& server) {
  const std::string message = PrintableName(std::string(failure.message()));
  if (absl::IsUnavailable(failure)) {
    return absl::StrCat("no aggregator answers at ", server, " (", message,
                        "): is it running, and is this its query address?");
  }
  if (absl::IsUnimplemented(failure)) {
    return absl::StrCat(server,
                        " does not know this question: is this the aggregator's ingest address "
                        "(its query address is needed), or is the aggregator of another version "
                        "than this command (" FLEETQSHAPE_VERSION ")?");
  }
  if (absl::IsDeadlineExceeded(failure)) {
    return absl::StrCat(server,
                        " does not answer in time: is this an aggregator's query address, and is "
                        "it overloaded?");
  }
  return message;
}

}  // namespace fleetqshape
