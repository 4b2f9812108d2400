#include "cli/client/table_request.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/client/selection.h"
#include "cli/output/answer_text.h"
#include "common/base/nearest_word.h"
#include "common/base/printable.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

// So often a fleet may get or lose a group between two questions.
constexpr int kGroupAttempts = 3;

v1::RowOrder OrderOf(const CliOptions& options) {
  if (options.sort.empty()) {
    return options.compare_key.empty() ? v1::ROW_ORDER_UNSPECIFIED : v1::ROW_ORDER_SHARE_DIFFERENCE;
  }
  if (options.sort == "total") return v1::ROW_ORDER_UNSPECIFIED;
  if (options.sort == "name") return v1::ROW_ORDER_NAME;
  if (options.sort == "share") return v1::ROW_ORDER_SHARE_DIFFERENCE;
  if (options.sort == "ratio") return v1::ROW_ORDER_SHARE_RATIO;
  return v1::ROW_ORDER_GROUP;
}

bool NeedsAges(const CliOptions& options) {
  return !options.compare_key.empty() || options.output != Output::kTable ||
         std::any_of(options.fail_if.begin(), options.fail_if.end(),
                     [](const Threshold& one) { return one.figure == Threshold::Figure::kOldest; });
}

// 0: all. TOTAL is one of those of -n.
uint64_t MaxRows(const CliOptions& options, bool on_terminal) {
  constexpr double kMost = 1e15;
  if (options.max_rows) return *options.max_rows;
  const bool for_people = options.output == Output::kTable || options.output == Output::kWide;
  if (!on_terminal || !for_people || !(options.redraw_rows > 0)) return 0;
  return static_cast<uint64_t>(std::ceil(std::min(options.redraw_rows, kMost)));
}

absl::StatusOr<uint32_t> GroupNumber(const v1::TableHead& head, const std::string& name) {
  std::vector<std::string> names;
  for (int i = 0; i < head.groups_size(); ++i) {
    if (head.groups(i).name() == name) return static_cast<uint32_t>(i);
    names.push_back(head.groups(i).name());
  }
  const std::string hint = DidYouMean(name, names);
  return absl::InvalidArgumentError(PrintableName(absl::StrCat(
      "--sort ", name, ": no such group",
      hint.empty() ? absl::StrCat("; there is: ", absl::StrJoin(names, ", ")) : hint)));
}

}  // namespace

v1::TableRequest TableRequestOf(const CliOptions& options, bool on_terminal) {
  v1::TableRequest request;
  *request.mutable_selection() = SelectionOf(options);
  for (const std::string& name : options.queues) {
    if (const auto queue = QueueFromName(name)) request.add_queues(static_cast<v1::Queue>(*queue));
  }
  request.set_axis(static_cast<v1::Axis>(options.axis));
  request.set_bucket_count(options.buckets.bucket_count);
  request.set_bucket_minutes(options.buckets.bucket_minutes);
  request.set_linear(options.buckets.linear);
  request.set_parents(options.rows.parents);
  request.set_min_subdomains(options.rows.min_subdomains);
  request.set_at_seconds(options.at_seconds.value_or(0));
  request.set_rows_by(options.rows_by);
  for (const std::string& name : options.names) request.add_names(name);
  if (options.min_age_seconds) request.set_min_age_seconds(*options.min_age_seconds);
  if (options.max_age_seconds) request.set_max_age_seconds(*options.max_age_seconds);
  if (!options.compare_key.empty()) {
    request.mutable_comparison()->set_key(options.compare_key);
    for (const std::string& value : options.compare_values) {
      request.mutable_comparison()->add_values(value);
    }
  }
  request.set_order(OrderOf(options));
  const auto& groups = options.compare_values;
  const auto group = std::find(groups.begin(), groups.end(), options.sort);
  if (request.order() == v1::ROW_ORDER_GROUP && group != groups.end()) {
    request.set_order_group(static_cast<uint32_t>(group - groups.begin()));
  }
  request.set_max_rows(MaxRows(options, on_terminal));
  request.set_ages(NeedsAges(options));
  return request;
}

bool SortsByUnknownGroup(const CliOptions& options) {
  return OrderOf(options) == v1::ROW_ORDER_GROUP && options.compare_values.empty();
}

absl::StatusOr<FleetTable> AskForTable(const CliOptions& options, v1::TableRequest request,
                                       QueryClient* client) {
  if (!SortsByUnknownGroup(options)) return client->GetTable(request);
  v1::TableRequest first = request;
  first.set_order(v1::ROW_ORDER_UNSPECIFIED);
  first.set_max_rows(1);
  FQS_ASSIGN_OR_RETURN(FleetTable answer, client->GetTable(first));
  for (int i = 0; i < kGroupAttempts; ++i) {
    FQS_ASSIGN_OR_RETURN(const uint32_t number, GroupNumber(answer.head, options.sort));
    if (i > 0 && number == request.order_group()) return answer;
    request.set_order_group(number);
    FQS_ASSIGN_OR_RETURN(answer, client->GetTable(request));
  }
  return answer;
}

std::optional<v1::ListRelaysResponse> AskForRelays(const CliOptions& options,
                                                   const v1::TableRequest& asked,
                                                   QueryClient* client) {
  if (!WantsFullness(options)) return std::nullopt;
  v1::ListRelaysRequest request;
  *request.mutable_selection() = asked.selection();
  auto relays = client->ListRelays(request);
  if (!relays.ok()) return std::nullopt;
  return *std::move(relays);
}

}  // namespace fleetqshape
