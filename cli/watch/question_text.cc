#include "cli/watch/question_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/figures.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

std::string MatchText(const LabelMatch& match) {
  if (match.values.empty()) return absl::StrCat(match.negated ? "!" : "", match.key);
  return absl::StrCat(match.key, match.negated ? "!=" : "=", absl::StrJoin(match.values, ","));
}

void AddPart(const char* what, const std::vector<std::string>& values,
             std::vector<std::string>* parts) {
  if (!values.empty()) parts->push_back(absl::StrCat(what, " ", absl::StrJoin(values, ",")));
}

}  // namespace

std::string QuestionText(const CliOptions& options) {
  const bool senders = options.axis == Axis::kSenderDomain;
  std::string rows = senders ? "sender domain" : "domain";
  if (!options.rows_by.empty()) rows = options.rows_by;
  return PrintableName(absl::StrCat(senders ? "messages" : "recipients", " by ", rows, " in ",
                                    absl::StrJoin(options.queues, ", ")));
}

std::string SelectionText(const CliOptions& options) {
  std::vector<std::string> parts;
  if (!options.context.empty()) parts.push_back(absl::StrCat("context ", options.context));
  AddPart("cluster", options.clusters, &parts);
  AddPart("host", options.hosts, &parts);
  AddPart("role", options.roles, &parts);
  for (const LabelMatch& match : options.matches) parts.push_back(MatchText(match));
  AddPart(options.axis == Axis::kSenderDomain ? "from" : "to", options.names, &parts);
  if (options.min_age_seconds) {
    parts.push_back(absl::StrCat("older than ", DurationText(*options.min_age_seconds)));
  }
  if (options.max_age_seconds) {
    parts.push_back(absl::StrCat("younger than ", DurationText(*options.max_age_seconds)));
  }
  return PrintableName(absl::StrJoin(parts, ", "));
}

}  // namespace fleetqshape
