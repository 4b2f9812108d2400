#include "cli/client/fleet_question.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/client/idle_conditions.h"
#include "cli/client/query_client.h"
#include "cli/client/table_request.h"
#include "cli/client/verdict.h"
#include "cli/output.h"
#include "cli/output/answer_text.h"
#include "cli/output/coverage_text.h"
#include "cli/output/terminal.h"
#include "common/base/nearest_word.h"
#include "common/base/printable.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape";

// A label that no relay has may be a mistyped word for rows. (The aggregator knows the others.)
std::string HintOf(const CliOptions& options, const absl::Status& failure) {
  if (!absl::IsInvalidArgument(failure) || absl::StrContains(failure.message(), "did you mean") ||
      !absl::StrContains(failure.message(), options.rows_by)) {
    return "";
  }
  const std::string word = NearestWord(options.rows_by, {"relay", "queue"});
  return word.empty() ? "" : absl::StrCat(" (did you mean ", word, "?)");
}

// A name that was mistyped must not look like good news.
std::string NothingFoundNote(const CliOptions& options, const v1::TableHead& head) {
  if (options.names.empty()) return "";
  const auto& total = head.total();
  if (std::any_of(total.begin(), total.end(), [](uint64_t count) { return count > 0; })) return "";
  return absl::StrCat("there is no mail ", options.axis == Axis::kSenderDomain ? "from " : "to ",
                      PrintableName(absl::StrJoin(options.names, ", ")),
                      " in what was asked for: are the names right?");
}

}  // namespace

int AnswerFromFleet(const CliOptions& options) {
  const Terminal terminal = StandardOutput(options.color);
  const v1::TableRequest request = TableRequestOf(options, terminal.is_terminal);
  QueryClient client(options.servers, options.tls, QueryClient::kPatience, ReasonsFor(options));
  auto answer = AskForTable(options, request, &client);
  if (!answer.ok()) {
    PrintError(kProgram, absl::StrCat(answer.status().message(), HintOf(options, answer.status())));
    return kExitError;
  }
  std::vector<std::string> lines = client.failures();
  const auto relays = AskForRelays(options, request, &client);
  const v1::TableHead head = answer->head;
  const AnswerText text =
      TextOfTable(*std::move(answer), request, options, terminal, relays ? &*relays : nullptr);
  if (!PrintText(text.text)) return kExitError;
  for (const auto& more : {text.notes, CoverageLines(head.coverage())}) {
    lines.insert(lines.end(), more.begin(), more.end());
  }
  const std::vector<std::string> idle = IdleConditions(options, &client);
  lines.insert(lines.end(), idle.begin(), idle.end());
  if (std::string note = NothingFoundNote(options, head); !note.empty()) lines.push_back(note);
  for (const std::string& line : lines) PrintError(kProgram, line);
  const Verdict verdict = VerdictOf(options, head);
  for (const std::string& line : verdict.lines) PrintError(kProgram, line);
  return verdict.exit_status;
}

}  // namespace fleetqshape
