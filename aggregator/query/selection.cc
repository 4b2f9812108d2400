#include "aggregator/query/selection.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/nearest_word.h"

namespace fleetqshape {
namespace {

constexpr size_t kMaxShownValues = 20;

bool Matches(const Match& match, const RelayDescription& relay) {
  const auto value = ValueOf(relay, match.key);
  const bool has =
      value && (match.values.empty() ||
                std::find(match.values.begin(), match.values.end(), *value) != match.values.end());
  return has != match.negated;
}

// All conditions, in the order of the options.
std::vector<Match> Conditions(const Selection& selection) {
  std::vector<Match> conditions;
  const auto add = [&conditions](const char* key, const std::vector<std::string>& values) {
    if (!values.empty()) conditions.push_back({key, values});
  };
  add("cluster", selection.clusters);
  add("host", selection.hosts);
  add("role", selection.roles);
  conditions.insert(conditions.end(), selection.matches.begin(), selection.matches.end());
  return conditions;
}

std::set<std::string> ValuesOf(const std::string& key, const std::vector<RelayView>& relays) {
  std::set<std::string> values;
  for (const RelayView& relay : relays) {
    if (auto known = ValueOf(*relay.description, key)) values.insert(*std::move(known));
  }
  return values;
}

// What there is in place of `wanted`: which of `near`, if one is like it; and all that there is, a
// few, and "..." for more.
std::string Instead(const std::string& wanted, const std::set<std::string>& near,
                    std::set<std::string> there) {
  const std::string hint = DidYouMean(wanted, std::vector<std::string>(near.begin(), near.end()));
  if (there.empty()) return hint;
  const bool cut = there.size() > kMaxShownValues;
  if (cut) there.erase(std::next(there.begin(), kMaxShownValues), there.end());
  return absl::StrCat(hint,
                      hint.empty() ? "; there is: " : " There is: ", absl::StrJoin(there, ", "),
                      cut ? ", ..." : "");
}

}  // namespace

std::optional<std::string> ValueOf(const RelayDescription& relay, const std::string& key) {
  if (key == "cluster") return relay.identity.cluster;
  if (key == "host") return relay.identity.host;
  if (key == "instance") return relay.identity.instance;
  const auto label = relay.labels.find(key);
  if (label == relay.labels.end()) return std::nullopt;
  return label->second;
}

bool Selects(const Selection& selection, const RelayDescription& relay) {
  const std::vector<Match> conditions = Conditions(selection);
  return std::all_of(conditions.begin(), conditions.end(),
                     [&relay](const Match& match) { return Matches(match, relay); });
}

std::string ExplainNoKey(const std::string& key, const std::vector<RelayView>& relays) {
  std::set<std::string> labels;
  for (const RelayView& relay : relays) {
    for (const auto& [label, value] : relay.description->labels) labels.insert(label);
  }
  std::set<std::string> keys = labels;
  keys.insert({"cluster", "host", "instance"});
  return absl::StrCat("no relay has a label ", key, Instead(key, keys, std::move(labels)));
}

std::string ExplainNoValue(const std::string& key, const std::string& value,
                           const std::vector<RelayView>& relays) {
  const std::set<std::string> values = ValuesOf(key, relays);
  if (values.empty()) return ExplainNoKey(key, relays);
  return absl::StrCat("no relay has ", key, " ", value, Instead(value, values, values));
}

std::string ExplainNoMatch(const Selection& selection, const std::vector<RelayView>& relays) {
  if (relays.empty()) {
    return "no relay has reported yet: start fleetqshape-agent on a relay, with this aggregator's "
           "ingest address";
  }
  for (const Match& match : Conditions(selection)) {
    if (match.negated) continue;
    const std::set<std::string> values = ValuesOf(match.key, relays);
    if (values.empty()) return ExplainNoKey(match.key, relays);
    for (const std::string& value : match.values) {
      if (!values.contains(value)) return ExplainNoValue(match.key, value, relays);
    }
  }
  if (Conditions(selection).size() == 1) return "no relay matches the condition: all are left out";
  return "no relay matches all of the conditions at once; leave one out";
}

}  // namespace fleetqshape
