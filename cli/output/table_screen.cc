#include "cli/output/table_screen.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/output/display_width.h"
#include "cli/output/figures.h"
#include "cli/output/group_columns.h"

namespace fleetqshape {
namespace {

// qshape's least width of a table, and of names in one.
constexpr size_t kTableWidth = 80;
constexpr size_t kNameWidth = 18;

struct Fit {
  size_t name_width;
  size_t dropped = 0;  // columns of ages
};

// Makes the columns fit onto a narrow terminal.
Fit FitColumns(const TableView& view, GroupColumns* columns) {
  const size_t screen = view.screen_columns;
  const bool narrow = screen > 0 && screen < kTableWidth;
  const size_t width = narrow ? screen : static_cast<size_t>(view.text.width);
  const size_t taken = columns->width();
  const size_t room = width > taken ? width - taken : 0;
  if (!narrow || room >= kNameWidth) return {std::max(room, narrow ? 0 : kNameWidth)};
  // Rows that cannot be told apart are of less use than ages.
  Fit fit{kNameWidth, columns->DropAges(screen > kNameWidth ? screen - kNameWidth : 0)};
  fit.name_width = screen > columns->width() ? screen - columns->width() : 1;
  return fit;
}

size_t LongestName(const FleetTable& answer, const std::vector<size_t>& rows,
                   const TableView& view) {
  size_t longest = 0;
  for (const size_t row : rows) {
    longest = std::max(longest, DisplayWidth(RowName(answer, row, view)));
  }
  return longest;
}

}  // namespace

Screen TableScreen(const FleetTable& answer, const TableView& view) {
  const std::vector<size_t> rows = ShownRows(answer, view);
  ShownColumns shown;
  shown.full = view.fullness != nullptr;
  shown.share = view.wide;
  shown.ages = view.wide && answer.has_ages();
  GroupColumns columns(answer, 0, 1, shown, view.text);
  const Fit fit = view.wide ? Fit{LongestName(answer, rows, view)} : FitColumns(view, &columns);
  const bool narrow = !view.wide && view.screen_columns > 0 && view.screen_columns < kTableWidth;
  // qshape counts bytes.
  const bool bytes =
      !view.aligned && !view.wide && !view.unicode && !narrow && view.rows_by.empty();

  Screen screen;
  screen.text.reserve(rows.size() + 1);
  screen.rows.reserve(rows.size() + 1);
  ScreenLine heads;
  heads.AddSpaces(fit.name_width);
  columns.AddHeads(&heads);
  screen.text.push_back(narrow ? heads.Cut(view.screen_columns) : std::move(heads));
  screen.rows.push_back(kNoRow);
  const HeatScale scale = ScaleOf(answer);
  const GroupRow total = answer.total(0);
  HeatScale total_scale;
  total_scale.Add(total.counts, answer.columns());
  for (const size_t row : rows) {
    const bool is_total = row == kTotalRow;
    const std::string name = RowName(answer, row, view);
    std::string cell;
    if (bytes) {
      AppendName(name, static_cast<double>(fit.name_width), false, &cell);
    } else {
      cell = RightJustifiedName(name, fit.name_width);
    }
    ScreenLine line;
    line.ReserveAs(screen.text.back());
    line.Add(cell, is_total ? Style::kHead : Style::kPlain);
    const ActiveQueue* full = nullptr;
    if (shown.full)
      full = is_total ? &view.fullness->total() : view.fullness->Find(answer.names[row]);
    columns.AddCells(is_total ? total : answer.row(row, 0), total, is_total ? total_scale : scale,
                     false, full, &line);
    screen.text.push_back(narrow ? line.Cut(view.screen_columns) : std::move(line));
    screen.rows.push_back(row);
  }
  if (fit.dropped > 0) {
    screen.notes.push_back(absl::StrCat("the terminal has ", view.screen_columns, " columns: the ",
                                        CountText(fit.dropped, "column"), " of the youngest mail ",
                                        fit.dropped == 1 ? "is" : "are", " left out"));
  }
  NoteCutOff(answer, rows, view, &screen.notes);
  return screen;
}

}  // namespace fleetqshape
