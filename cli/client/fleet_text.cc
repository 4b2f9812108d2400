#include "cli/client/fleet_text.h"

#include "absl/strings/str_cat.h"
#include "common/base/printable.h"

namespace fleetqshape {

namespace {

// An aggregator answers with none of these; gRPC says them of connections.
bool IsOfTransport(const absl::Status& failure) {
  return absl::IsUnavailable(failure) || absl::IsInternal(failure) || absl::IsUnknown(failure) ||
         absl::IsAborted(failure);
}

}  // namespace

std::string FailureText(const absl::Status& failure, const std::string& server,
                        const std::string& trouble) {
  const std::string message = PrintableName(std::string(failure.message()));
  if (IsOfTransport(failure)) {
    return absl::StrCat("no aggregator answers at ", server,
                        trouble.empty() ? "" : absl::StrCat(" (", PrintableName(trouble), ")"),
                        ": is it running, and is this its query address?");
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
