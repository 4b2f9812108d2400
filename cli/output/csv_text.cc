#include "cli/output/csv_text.h"

#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/output/fullness.h"
#include "cli/output/question_words.h"
#include "cli/output/relay_facts.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

constexpr char kLineEnd[] = "\r\n";

void AppendAge(int64_t age, std::string* out) {
  out->push_back(',');
  if (age >= 0) absl::StrAppend(out, age);
}

// `name` and `group` are fields.
void AppendLine(const char* row, const std::string& name, const std::string& group,
                const GroupRow& cell, size_t columns, std::string* out) {
  absl::StrAppend(out, row, ",", name, ",", group, ",", cell.counts[0]);
  AppendAge(cell.median_age, out);
  AppendAge(cell.oldest_age, out);
  for (size_t column = 1; column < columns; ++column) {
    absl::StrAppend(out, ",", cell.counts[column]);
  }
  out->append(kLineEnd);
}

std::string OrNothing(bool known, uint64_t number) { return known ? absl::StrCat(number) : ""; }

std::string RelayLine(const v1::RelayStatus& relay) {
  std::vector<std::string> labels;
  for (const v1::Label& label : relay.labels()) {
    labels.push_back(absl::StrCat(label.key(), "=", label.value()));
  }
  std::vector<std::string> fields = {CsvField(relay.cluster()), CsvField(relay.host()),
                                     CsvField(relay.instance()), CsvField(LabelOf(relay, "role")),
                                     CsvField(absl::StrJoin(labels, " "))};
  for (const v1::Queue queue : kQueues) {
    fields.push_back(OrNothing(HasState(relay), MessagesIn(relay, queue)));
  }
  ActiveQueue active;
  active.Add(relay);
  const auto full = active.Percent();
  const uint64_t limit = relay.settings().active_limit();
  fields.insert(
      fields.end(),
      {std::string(StateOf(relay)), OrNothing(limit > 0, limit), full ? absl::StrCat(*full) : "",
       absl::StrCat(relay.heard_seconds()), absl::StrCat(relay.silent_seconds()),
       absl::StrCat(relay.clock_offset_milliseconds()), absl::StrCat(SkippedFiles(relay)),
       CsvField(relay.agent_version()), CsvField(relay.settings().mail_version())});
  return absl::StrJoin(fields, ",") + kLineEnd;
}

}  // namespace

std::string CsvField(std::string_view text) {
  std::string field = PrintableName(text);
  if (!field.empty() && std::string_view("=+-@").find(field[0]) != std::string_view::npos) {
    field = "'" + field;
  }
  if (field.find_first_of(",\"") == std::string::npos) return field;
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

std::string TableCsv(const v1::TableRequest& asked, const FleetTable& answer) {
  std::string out = "row,name,group,count,median_age_seconds,oldest_age_seconds";
  double from = 0;
  for (const double limit : BucketLimits(asked, answer.columns())) {
    absl::StrAppend(&out, ",", "from_", from, "s");
    if (!std::isinf(limit)) absl::StrAppend(&out, "_to_", limit, "s");
    from = limit;
  }
  out.append(kLineEnd);
  std::vector<std::string> groups;
  for (const v1::Group& group : answer.head.groups()) groups.push_back(CsvField(group.name()));
  for (size_t group = 0; group < groups.size(); ++group) {
    AppendLine("total", "TOTAL", groups[group], answer.total(group), answer.columns(), &out);
  }
  for (size_t row = 0; row < answer.names.size(); ++row) {
    const std::string name = CsvField(answer.names[row]);
    for (size_t group = 0; group < groups.size(); ++group) {
      AppendLine("row", name, groups[group], answer.row(row, group), answer.columns(), &out);
    }
  }
  return out;
}

std::string RelaysCsv(const v1::ListRelaysResponse& relays) {
  std::string out =
      "cluster,host,instance,role,labels,maildrop,hold,incoming,active,deferred,state,active_limit,"
      "active_percent,heard_seconds,silent_seconds,clock_offset_milliseconds,skipped_files,"
      "agent_version,postfix_version";
  out.append(kLineEnd);
  for (const v1::RelayStatus& relay : relays.relays()) out.append(RelayLine(relay));
  return out;
}

}  // namespace fleetqshape
