#include "cli/client/fleet_question.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cli/client/fleet_text.h"
#include "cli/client/query_client.h"
#include "cli/client/selection.h"
#include "cli/output.h"
#include "cli/output/answer_text.h"
#include "cli/output/coverage_text.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape";

absl::StatusOr<v1::TableRequest> MakeRequest(const CliOptions& options) {
  v1::TableRequest request;
  *request.mutable_selection() = SelectionOf(options);
  for (const std::string& name : options.queues) {
    const auto queue = QueueFromName(name);
    if (!queue) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown queue ", name,
                       ": a fleet has maildrop, hold, incoming, active and "
                       "deferred (a directory of this machine is given as an absolute path)"));
    }
    request.add_queues(static_cast<v1::Queue>(*queue));
  }
  request.set_axis(static_cast<v1::Axis>(options.axis));
  request.set_bucket_count(options.buckets.bucket_count);
  request.set_bucket_minutes(options.buckets.bucket_minutes);
  request.set_linear(options.buckets.linear);
  request.set_parents(options.rows.parents);
  request.set_min_subdomains(options.rows.min_subdomains);
  request.set_at_seconds(options.at_seconds.value_or(0));
  return request;
}

}  // namespace

int AnswerFromFleet(const CliOptions& options) {
  const auto request = MakeRequest(options);
  if (!request.ok()) {
    PrintError(kProgram, std::string(request.status().message()));
    return kExitUsage;
  }
  auto answer = AskForTable(options.servers.front(), *request);
  if (!answer.ok()) {
    PrintError(kProgram, FailureText(answer.status(), options.servers.front()));
    return kExitError;
  }
  const std::vector<std::string> coverage = CoverageLines(answer->head.coverage());
  const AnswerText text =
      TextOfTable(*std::move(answer), *request, options, StandardOutput(options.color), nullptr);
  const bool printed = PrintText(text.text);
  for (const std::string& line : text.notes) PrintError(kProgram, line);
  for (const std::string& line : coverage) PrintError(kProgram, line);
  return printed ? kExitOk : kExitError;
}

}  // namespace fleetqshape
