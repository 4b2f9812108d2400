#include "aggregator/query/selection.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace fleetqshape {
namespace {

constexpr size_t kMaxShownValues = 20;

// The relay's value under a key, if it has one.
std::optional<std::string> ValueOf(const RelayDescription& relay, const std::string& key) {
  if (key == "cluster") return relay.identity.cluster;
  if (key == "host") return relay.identity.host;
  if (key == "instance") return relay.identity.instance;
  const auto label = relay.labels.find(key);
  if (label == relay.labels.end()) return std::nullopt;
  return label->second;
}

bool AnyOf(const std::vector<std::string>& wanted, const RelayDescription& relay,
           const std::string& key) {
  if (wanted.empty()) return true;
  const auto value = ValueOf(relay, key);
  return value && std::find(wanted.begin(), wanted.end(), *value) != wanted.end();
}

// All conditions as key and value, in the order of the options.
std::vector<std::pair<std::string, std::string>> Conditions(const Selection& selection) {
  std::vector<std::pair<std::string, std::string>> conditions;
  for (const std::string& value : selection.clusters) conditions.emplace_back("cluster", value);
  for (const std::string& value : selection.hosts) conditions.emplace_back("host", value);
  for (const std::string& value : selection.roles) conditions.emplace_back("role", value);
  conditions.insert(conditions.end(), selection.matches.begin(), selection.matches.end());
  return conditions;
}

}  // namespace

bool Selects(const Selection& selection, const RelayDescription& relay) {
  return AnyOf(selection.clusters, relay, "cluster") && AnyOf(selection.hosts, relay, "host") &&
         AnyOf(selection.roles, relay, "role") &&
         std::all_of(selection.matches.begin(), selection.matches.end(), [&](const auto& match) {
           return ValueOf(relay, match.first) == match.second;
         });
}

std::string ExplainNoMatch(const Selection& selection, const std::vector<RelayView>& relays) {
  if (relays.empty()) {
    return "no relay has reported yet: start fleetqshape-agent on a relay, with this aggregator's "
           "ingest address";
  }
  for (const auto& [key, value] : Conditions(selection)) {
    std::set<std::string> values;
    for (const RelayView& relay : relays) {
      if (auto known = ValueOf(*relay.description, key)) values.insert(*std::move(known));
    }
    if (values.contains(value)) continue;
    if (values.empty()) return absl::StrCat("no relay has a label ", key);
    const bool cut = values.size() > kMaxShownValues;
    if (cut) values.erase(std::next(values.begin(), kMaxShownValues), values.end());
    return absl::StrCat("no relay has ", key, " ", value,
                        "; there is: ", absl::StrJoin(values, ", "), cut ? ", ..." : "");
  }
  return "no relay matches all of the conditions at once; leave one out";
}

}  // namespace fleetqshape
