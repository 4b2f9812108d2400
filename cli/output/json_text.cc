#include "cli/output/json_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/output/fullness.h"
#include "cli/output/question_words.h"
#include "cli/output/relay_facts.h"
#include "common/base/printable.h"
#include "nlohmann/json.hpp"

namespace fleetqshape {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

// What PrintableName returns is UTF-8, so dump() has nothing to complain of.
Json Text(std::string_view text) { return PrintableName(text); }

Json Texts(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(Text(text));
  return list;
}

// The members of an object that name something: the name as it can be shown, and its bytes where
// that is not the same.
void AppendName(std::string_view name, std::string* out) {
  const std::string printable = PrintableName(name);
  absl::StrAppend(out, "\"name\":", Json(printable).dump());
  if (printable == name) return;
  absl::StrAppend(out, ",\"name_base64\":\"",
                  absl::Base64Escape(absl::string_view(name.data(), name.size())), "\"");
}

Json SelectionJson(const v1::Selection& selection) {
  Json labels = Json::array();
  for (const v1::Match& match : selection.matches()) {
    labels.push_back({{"key", Text(match.key())},
                      {"values", Texts(match.values())},
                      {"negated", match.negated()}});
  }
  return {{"clusters", Texts(selection.clusters())},
          {"hosts", Texts(selection.hosts())},
          {"roles", Texts(selection.roles())},
          {"labels", labels}};
}

Json QuestionJson(const v1::TableRequest& asked) {
  Json queues = Json::array();
  for (const int queue : asked.queues()) queues.push_back(QueueWord(static_cast<v1::Queue>(queue)));
  Json compare = nullptr;
  if (asked.has_comparison()) {
    compare = {{"key", Text(asked.comparison().key())},
               {"values", Texts(asked.comparison().values())}};
  }
  return {{"selection", SelectionJson(asked.selection())},
          {"queues", queues},
          {"axis", IsSenderAxis(asked) ? "sender" : "recipient"},
          {"rows_by", asked.rows_by().empty() ? Json("name") : Text(asked.rows_by())},
          {"names", Texts(asked.names())},
          {"parents", asked.parents()},
          {"min_subdomains", asked.min_subdomains()},
          {"min_age_seconds", asked.has_min_age_seconds() ? Json(asked.min_age_seconds()) : Json()},
          {"max_age_seconds", asked.has_max_age_seconds() ? Json(asked.max_age_seconds()) : Json()},
          {"compare", compare},
          {"order", OrderWord(asked.order())},
          {"max_rows", asked.max_rows() == 0 ? Json() : Json(asked.max_rows())}};
}

Json LimitsJson(const v1::TableRequest& asked, size_t columns) {
  Json limits = Json::array();
  for (const double limit : BucketLimits(asked, columns)) {
    if (std::isinf(limit)) {
      limits.push_back(nullptr);
    } else if (limit == std::floor(limit) && limit < 1e15) {
      limits.push_back(static_cast<int64_t>(limit));
    } else {
      limits.push_back(limit);
    }
  }
  return limits;
}

Json NoticesJson(const google::protobuf::RepeatedPtrField<v1::RelayNotice>& notices) {
  Json list = Json::array();
  for (const v1::RelayNotice& notice : notices) {
    list.push_back({{"cluster", Text(notice.cluster())},
                    {"host", Text(notice.host())},
                    {"instance", Text(notice.instance())},
                    {"silent_seconds", notice.silent_seconds()},
                    {"messages", notice.messages()},
                    {"damaged", notice.damaged()},
                    {"clock_offset_milliseconds", notice.clock_offset_milliseconds()},
                    {"skipped_files", notice.skipped_files()}});
  }
  return list;
}

Json CoverageJson(const v1::Coverage& coverage) {
  uint64_t stranded = 0;
  for (const v1::RelayNotice& notice : coverage.stale()) stranded += notice.messages();
  return {{"relays", coverage.relays()},
          {"fresh", coverage.fresh()},
          {"stale", NoticesJson(coverage.stale())},
          {"missing", NoticesJson(coverage.missing())},
          {"skewed", NoticesJson(coverage.skewed())},
          {"stranded_messages", stranded},
          {"skipped_files", coverage.skipped_files()},
          {"left_out", coverage.left_out()},
          {"problem", coverage.problem().empty() ? Json() : Text(coverage.problem())}};
}

void AppendAge(const char* key, int64_t age, std::string* out) {
  absl::StrAppend(out, ",\"", key, "\":");
  if (age < 0) {
    out->append("null");
  } else {
    absl::StrAppend(out, age);
  }
}

// {"count":7,"ages":[5,2],...}, without the brace at the end.
void AppendCell(const GroupRow& row, size_t columns, std::string* out) {
  absl::StrAppend(out, "{\"count\":", row.counts[0], ",\"ages\":[");
  for (size_t column = 1; column < columns; ++column) {
    if (column > 1) out->push_back(',');
    absl::StrAppend(out, row.counts[column]);
  }
  out->push_back(']');
  AppendAge("median_age_seconds", row.median_age, out);
  AppendAge("oldest_age_seconds", row.oldest_age, out);
}

void AppendRow(const FleetTable& answer, size_t row, std::string* out) {
  out->push_back('{');
  AppendName(answer.names[row], out);
  out->append(",\"cells\":[");
  for (size_t group = 0; group < answer.groups(); ++group) {
    if (group > 0) out->push_back(',');
    AppendCell(answer.row(row, group), answer.columns(), out);
    out->push_back('}');
  }
  out->append("]}");
}

Json RelayJson(const v1::RelayStatus& relay) {
  Json labels = Json::object();
  for (const v1::Label& label : relay.labels()) {
    labels[PrintableName(label.key())] = PrintableName(label.value());
  }
  Json messages = nullptr;
  if (HasState(relay)) {
    messages = Json::object();
    for (const v1::Queue queue : kQueues) messages[QueueWord(queue)] = MessagesIn(relay, queue);
  }
  ActiveQueue active;
  active.Add(relay);
  const auto full = active.Percent();
  const v1::PostfixSettings& settings = relay.settings();
  return {{"cluster", Text(relay.cluster())},
          {"host", Text(relay.host())},
          {"instance", Text(relay.instance())},
          {"labels", labels},
          {"state", std::string(StateOf(relay))},
          {"connected", relay.connected()},
          {"messages", messages},
          {"active_limit", settings.active_limit() == 0 ? Json() : Json(settings.active_limit())},
          {"active_percent", full ? Json(*full) : Json()},
          {"heard_seconds", relay.heard_seconds()},
          {"silent_seconds", relay.silent_seconds()},
          {"clock_offset_milliseconds", relay.clock_offset_milliseconds()},
          {"skipped_files", SkippedFiles(relay)},
          {"agent_version", Text(relay.agent_version())},
          {"postfix_version",
           settings.mail_version().empty() ? Json() : Text(settings.mail_version())}};
}

}  // namespace

// The rows are written one by one: as a tree, 200,000 of them would take seconds and a gigabyte.
std::string TableJson(const v1::TableRequest& asked, const FleetTable& answer) {
  const v1::TableHead& head = answer.head;
  std::string out = absl::StrCat(
      "{\"version\":", kVersion, ",\"kind\":\"table\",\"at_seconds\":", head.at_seconds(),
      ",\n\"question\":", QuestionJson(asked).dump(),
      ",\n\"age_limits_seconds\":", LimitsJson(asked, answer.columns()).dump(),
      ",\n\"coverage\":", CoverageJson(head.coverage()).dump(), ",\n\"groups\":[");
  for (size_t group = 0; group < answer.groups(); ++group) {
    const v1::Group& one = head.groups(static_cast<int>(group));
    out.append(group == 0 ? "\n{" : ",\n{");
    AppendName(one.name(), &out);
    absl::StrAppend(&out, ",\"relays\":", one.relays(), ",\"total\":");
    AppendCell(answer.total(group), answer.columns(), &out);
    out.append("}}");
  }
  const uint64_t rows = std::max<uint64_t>(head.rows(), answer.names.size());
  absl::StrAppend(&out, "],\n\"rows_in_all\":", rows,
                  ",\"cut_off\":{\"rows\":", rows - answer.names.size(),
                  ",\"count\":", head.cut_off_total(), "},\n\"rows\":[");
  out.reserve(out.size() +
              answer.names.size() * (96 + answer.groups() * (64 + 3 * answer.columns())));
  for (size_t row = 0; row < answer.names.size(); ++row) {
    out.append(row == 0 ? "\n" : ",\n");
    AppendRow(answer, row, &out);
  }
  out.append("]}\n");
  return out;
}

std::string RelaysJson(const v1::ListRelaysResponse& relays) {
  std::string out =
      absl::StrCat("{\"version\":", kVersion,
                   ",\"kind\":\"relays\",\"at_seconds\":", relays.at_seconds(), ",\n\"relays\":[");
  for (int i = 0; i < relays.relays_size(); ++i) {
    absl::StrAppend(&out, i == 0 ? "\n" : ",\n", RelayJson(relays.relays(i)).dump());
  }
  out.append("]}\n");
  return out;
}

}  // namespace fleetqshape
