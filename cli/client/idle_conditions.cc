#include "cli/client/idle_conditions.h"

#include "absl/strings/str_cat.h"

namespace fleetqshape {
namespace {

// Appends a line if no relay has the key, with this value if there is one.
void CheckOne(const std::string& key, const std::string* value, QueryClient* client,
              std::vector<std::string>* lines) {
  // A table of no mail costs the aggregator nothing, and it says what there is in place of a value.
  v1::TableRequest request;
  v1::Match* const match = request.mutable_selection()->add_matches();
  match->set_key(key);
  if (value != nullptr) match->add_values(*value);
  request.set_axis(v1::AXIS_RECIPIENT_DOMAIN);
  request.set_bucket_count(1);
  request.set_bucket_minutes(1);
  request.set_min_subdomains(1);
  const auto answer = client->GetTable(request);
  if (!absl::IsNotFound(answer.status())) return;
  lines->push_back(absl::StrCat(
      "--select ", value == nullptr ? absl::StrCat("!", key) : absl::StrCat(key, "!=", *value),
      " leaves no relay out: ", std::string(answer.status().message())));
}

}  // namespace

std::vector<std::string> IdleConditions(const CliOptions& options, QueryClient* client) {
  std::vector<std::string> lines;
  if (!options.select_typed) return lines;
  for (const LabelMatch& match : options.matches) {
    if (!match.negated) continue;
    if (match.values.empty()) CheckOne(match.key, nullptr, client, &lines);
    for (const std::string& value : match.values) CheckOne(match.key, &value, client, &lines);
  }
  return lines;
}

}  // namespace fleetqshape
