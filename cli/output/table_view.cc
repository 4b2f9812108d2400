#include "cli/output/table_view.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "cli/output/figures.h"
#include "cli/output/shown_name.h"

namespace fleetqshape {

std::vector<size_t> ShownRows(const FleetTable& answer, const TableView& view) {
  std::vector<size_t> rows(answer.names.size() + 1);
  rows[0] = kTotalRow;
  std::iota(rows.begin() + 1, rows.end(), size_t{0});
  const auto sum = [&answer](size_t row) {
    return row == kTotalRow ? answer.total(0).counts[0] : answer.row(row, 0).counts[0];
  };
  const auto name = [&answer](size_t row) {
    return row == kTotalRow ? std::string_view("TOTAL") : std::string_view(answer.names[row]);
  };
  const auto before = [&](size_t a, size_t b) {
    if (sum(a) != sum(b)) return sum(a) > sum(b);
    if (name(a).size() != name(b).size()) return name(a).size() < name(b).size();
    return name(a) < name(b);
  };
  if (!view.text.keep_order && view.rows_by.empty() && answer.groups() == 1 &&
      !std::is_sorted(rows.begin(), rows.end(), before)) {
    std::sort(rows.begin(), rows.end(), before);
  }
  const double most = view.text.top_rows;
  if (most > 0 && most < static_cast<double>(rows.size())) rows.resize(static_cast<size_t>(most));
  return rows;
}

std::string RowName(const FleetTable& answer, size_t row, const TableView& view) {
  if (row == kTotalRow) return "TOTAL";
  const std::string& name = answer.names[row];
  if (name.empty() && !view.rows_by.empty()) return "(none)";
  return ShownName(name, view.unicode);
}

void NoteCutOff(const FleetTable& answer, const std::vector<size_t>& shown, const TableView& view,
                std::vector<std::string>* notes) {
  const uint64_t there = std::max<uint64_t>(answer.head.rows(), answer.names.size());
  uint64_t seen = 0;
  uint64_t seen_sum = 0;
  for (const size_t row : shown) {
    if (row == kTotalRow) continue;
    ++seen;
    seen_sum += answer.RowSum(row);
  }
  if (seen >= there) return;
  uint64_t sum = answer.head.cut_off_total();
  for (size_t row = 0; row < answer.names.size(); ++row) sum += answer.RowSum(row);
  const std::string what = view.parents ? ""
                                        : absl::StrCat(" with ", GroupedCount(sum - seen_sum),
                                                       view.senders ? " message" : " recipient",
                                                       sum - seen_sum == 1 ? "" : "s");
  notes->push_back(
      absl::StrCat("and ", GroupedCount(there - seen), " more row", there - seen == 1 ? "" : "s",
                   what, seen < answer.names.size() ? ": -n 0" : ": --rows 0", " shows all"));
}

}  // namespace fleetqshape
