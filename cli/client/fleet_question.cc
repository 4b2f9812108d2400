#include "cli/client/fleet_question.h"

#include <unistd.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/client/fleet_text.h"
#include "cli/client/query_client.h"
#include "cli/client/table_request.h"
#include "cli/client/verdict.h"
#include "cli/output.h"
#include "common/base/nearest_word.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape";

bool PrintAnswer(const CliOptions& options, const FleetTable& answer, bool on_terminal) {
  TextOptions text = options.text;
  if (on_terminal) text.top_rows = options.redraw_rows;
  return PrintText(TableText(SummedTable(answer), text));
}

// A label that no relay has may be a mistyped word of ours.
std::string HintOf(const CliOptions& options, const absl::Status& failure) {
  if (!absl::IsNotFound(failure) && !absl::IsInvalidArgument(failure)) return "";
  for (const std::string& key : {options.rows_by, options.compare_key}) {
    const std::string word = NearestWord(key, {"host", "relay", "cluster", "instance", "queue"});
    const bool is_about_it = absl::StrContains(failure.message(), key);
    if (!word.empty() && word != key && is_about_it)
      return absl::StrCat(" (did you mean ", word, "?)");
  }
  return "";
}

}  // namespace

int AnswerFromFleet(const CliOptions& options) {
  const bool on_terminal = isatty(STDOUT_FILENO) == 1;
  QueryClient client(options.servers, options.tls);
  const auto answer = AskForTable(options, TableRequestOf(options, on_terminal), &client);
  if (!answer.ok()) {
    PrintError(kProgram, absl::StrCat(answer.status().message(), HintOf(options, answer.status())));
    return kExitError;
  }
  const bool printed = PrintAnswer(options, *answer, on_terminal);
  for (const std::string& failure : client.failures()) PrintError(kProgram, failure);
  for (const std::string& line : CoverageLines(answer->head.coverage())) {
    PrintError(kProgram, line);
  }
  const Verdict verdict = VerdictOf(options, answer->head);
  for (const std::string& line : verdict.lines) PrintError(kProgram, line);
  return printed ? verdict.exit_status : kExitError;
}

}  // namespace fleetqshape
