#include "cli/client/relays_question.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cli/client/idle_conditions.h"
#include "cli/client/query_client.h"
#include "cli/client/selection.h"
#include "cli/client/verdict.h"
#include "cli/output.h"
#include "cli/output/answer_text.h"
#include "cli/output/forgotten_text.h"
#include "cli/output/relays_screen.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape";

}  // namespace

int ListRelays(const CliOptions& options) {
  v1::ListRelaysRequest request;
  *request.mutable_selection() = SelectionOf(options);
  QueryClient client(options.servers, options.tls, QueryClient::kPatience, ReasonsFor(options));
  const auto relays = client.ListRelays(request);
  if (!relays.ok()) {
    PrintError(kProgram, std::string(relays.status().message()));
    return kExitError;
  }
  for (const std::string& failure : client.failures()) PrintError(kProgram, failure);
  for (const std::string& line : IdleConditions(options, &client)) PrintError(kProgram, line);
  if (options.check) {
    const RelaysCheck check = CheckRelays(*relays);
    if (!PrintText(check.line + "\n")) return kExitError;
    return check.all_fresh ? kExitOk : kExitIncomplete;
  }
  const std::string text = TextOfRelays(*relays, options.output, StandardOutput(options.color));
  return PrintText(text) ? kExitOk : kExitError;
}

int ForgetRelays(const CliOptions& options) {
  v1::ForgetRelaysRequest request;
  *request.mutable_selection() = SelectionOf(options);
  request.set_stranded(options.stranded);
  QueryClient client(options.servers, options.tls, QueryClient::kPatience, ReasonsFor(options));
  // What was meant to stay would be gone.
  if (const auto idle = IdleConditions(options, &client); !idle.empty()) {
    PrintError(kProgram, absl::StrCat("nothing was forgotten: ", idle[0]));
    return kExitError;
  }
  const auto response = client.ForgetRelays(request);
  if (!response.ok()) {
    std::string message(response.status().message());
    if (absl::IsDeadlineExceeded(response.status())) {
      message += " It may forget the relays yet";
    }
    PrintError(kProgram, message);
    return kExitError;
  }
  for (const std::string& failure : client.failures()) PrintError(kProgram, failure);
  const ForgottenText text = TextOfForgotten(*response);
  std::string forgotten;
  for (const std::string& line : text.forgotten) absl::StrAppend(&forgotten, line, "\n");
  const bool printed = PrintText(forgotten);
  for (const std::string& line : text.left) PrintError(kProgram, line);
  if (text.forgotten.empty() && text.left.empty()) {
    PrintError(kProgram, "nothing to do: somebody else had these relays forgotten just now");
  }
  return printed && text.left.empty() && !text.forgotten.empty() ? kExitOk : kExitError;
}

}  // namespace fleetqshape
