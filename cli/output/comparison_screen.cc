#include "cli/output/comparison_screen.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/output/display_width.h"
#include "cli/output/figures.h"
#include "cli/output/group_columns.h"
#include "cli/output/shown_name.h"

namespace fleetqshape {
namespace {

// Names are cut to this if groups then fit side by side.
constexpr size_t kNameWidth = 18;
// Of more nobody finds the one that differs when they stand in lines below each name.
constexpr size_t kMostStacked = 12;
constexpr size_t kGap = 2;     // before each group
constexpr size_t kIndent = 2;  // of groups below a name

std::string GroupName(const FleetTable& answer, size_t group, bool with_relays) {
  const v1::Group& one = answer.head.groups(static_cast<int>(group));
  const std::string name = ShownName(one.name(), false);
  return with_relays ? absl::StrCat(name, " (", CountText(one.relays(), "relay"), ")") : name;
}

// The heat is of all groups alike: a clean one is pale beside one in trouble.
struct Scales {
  HeatScale rows;
  HeatScale total;
};

Scales ScalesOf(const FleetTable& answer) {
  Scales scales;
  scales.rows = ScaleOf(answer);
  for (size_t group = 0; group < answer.groups(); ++group) {
    scales.total.Add(answer.total(group).counts, answer.columns());
  }
  return scales;
}

void AddCells(const FleetTable& answer, const GroupColumns& columns, const Scales& scales,
              size_t row, size_t group, ScreenLine* line) {
  const GroupRow total = answer.total(group);
  const bool is_total = row == kTotalRow;
  columns.AddCells(is_total ? total : answer.row(row, group), total,
                   is_total ? scales.total : scales.rows, true, nullptr, line);
}

Style NameStyle(size_t row) { return row == kTotalRow ? Style::kHead : Style::kPlain; }

class SideBySide {
 public:
  SideBySide(const FleetTable& answer, ShownColumns shown, const TableView& view)
      : answer_(answer) {
    for (size_t group = 0; group < answer.groups(); ++group) {
      groups_.emplace_back(answer, group, group + 1, shown, view.text);
    }
  }

  // Without names.
  size_t width() const {
    size_t width = 0;
    for (const GroupColumns& group : groups_) width += kGap - 1 + group.width();
    return width;
  }

  ScreenText Text(const std::vector<size_t>& rows, size_t name_width, const TableView& view) const {
    ScreenLine names;
    ScreenLine heads;
    names.AddSpaces(name_width);
    heads.AddSpaces(name_width);
    for (size_t group = 0; group < groups_.size(); ++group) {
      names.AddSpaces(kGap);
      names.Add(Title(group, groups_[group].width() - 1), Style::kHead);
      heads.AddSpaces(kGap - 1);
      groups_[group].AddHeads(&heads);
    }
    ScreenText text = {std::move(names), std::move(heads)};
    const Scales scales = ScalesOf(answer_);
    for (const size_t row : rows) {
      ScreenLine line;
      line.ReserveAs(text.back());
      line.Add(RightJustifiedName(RowName(answer_, row, view), name_width), NameStyle(row));
      for (size_t group = 0; group < groups_.size(); ++group) {
        line.AddSpaces(kGap - 1);
        AddCells(answer_, groups_[group], scales, row, group, &line);
      }
      text.push_back(std::move(line));
    }
    return text;
  }

 private:
  // The group's name amid a line that shows how far its columns reach.
  std::string Title(size_t group, size_t width) const {
    std::string name = GroupName(answer_, group, true);
    if (DisplayWidth(name) > width) name = GroupName(answer_, group, false);
    name = FirstColumns(name, width);
    const size_t rest = width - DisplayWidth(name);
    if (rest < 4) return PadRight(name, width);
    const size_t left = (rest - 2) / 2;
    return absl::StrCat(std::string(left, '-'), " ", name, " ", std::string(rest - 2 - left, '-'));
  }

  const FleetTable& answer_;
  std::vector<GroupColumns> groups_;
};

ScreenText Stacked(const FleetTable& answer, const std::vector<size_t>& rows, size_t width,
                   const TableView& view) {
  size_t longest = 0;
  for (size_t group = 0; group < answer.groups(); ++group) {
    longest = std::max(longest, kIndent + DisplayWidth(GroupName(answer, group, true)));
  }
  size_t group_width = longest;
  const auto columns_of = [&](ShownColumns shown) {
    return GroupColumns(answer, 0, answer.groups(), shown, view.text);
  };
  const ShownColumns all{.share = true, .ages = answer.has_ages()};
  ShownColumns some = all;
  some.first_age = answer.columns();
  GroupColumns columns = columns_of(all);
  if (group_width + columns.width() > width) columns = columns_of(some);
  if (group_width + columns.width() > width) {
    group_width = width > columns.width() + kNameWidth ? width - columns.width() : kNameWidth;
  }
  if (group_width + columns.width() > width) {
    columns = columns_of({.first_age = answer.columns()});
    group_width = width > columns.width() ? width - columns.width() : 1;
  }
  ScreenText text;
  ScreenLine heads;
  heads.AddSpaces(group_width);
  columns.AddHeads(&heads);
  text.push_back(heads.Cut(width));
  const Scales scales = ScalesOf(answer);
  for (const size_t row : rows) {
    text.push_back(ScreenLine(RowName(answer, row, view), Style::kHead).Cut(width));
    for (size_t group = 0; group < answer.groups(); ++group) {
      std::string name(kIndent, ' ');
      name += GroupName(answer, group, row == kTotalRow && group_width == longest);
      ScreenLine line(PadRight(FirstColumns(name, group_width), group_width));
      AddCells(answer, columns, scales, row, group, &line);
      text.push_back(line.Cut(width));
    }
  }
  return text;
}

}  // namespace

Screen ComparisonScreen(const FleetTable& answer, const TableView& view) {
  const std::vector<size_t> rows = ShownRows(answer, view);
  size_t longest = 0;
  for (const size_t row : rows) {
    longest = std::max(longest, DisplayWidth(RowName(answer, row, view)));
  }
  size_t width =
      view.screen_columns > 0 ? view.screen_columns : static_cast<size_t>(view.text.width);
  if (view.wide) width = std::numeric_limits<size_t>::max();
  const size_t least_name = std::min(longest, kNameWidth);

  Screen screen;
  ShownColumns shown{.share = true, .ages = answer.has_ages()};
  for (const size_t first_age : {size_t{1}, answer.columns()}) {
    shown.first_age = first_age;
    const SideBySide groups(answer, shown, view);
    if (groups.width() > width || width - groups.width() < least_name) continue;
    screen.text = groups.Text(rows, std::min(longest, width - groups.width()), view);
    screen.rows = {kNoRow, kNoRow};
    screen.rows.insert(screen.rows.end(), rows.begin(), rows.end());
    break;
  }
  if (screen.text.empty()) {
    screen.text = Stacked(answer, rows, width, view);
    screen.rows.resize(screen.text.size(), kNoRow);
    for (size_t i = 0; i < rows.size(); ++i) screen.rows[1 + i * (1 + answer.groups())] = rows[i];
    if (answer.groups() > kMostStacked && !view.compare_key.empty()) {
      screen.notes.push_back(absl::StrCat("these are ", answer.groups(), " groups: --by ",
                                          view.compare_key, " in place of --compare ",
                                          view.compare_key, " makes one row of each, --compare ",
                                          view.compare_key, "=A,B compares some"));
    }
  }
  NoteCutOff(answer, rows, view, &screen.notes);
  return screen;
}

}  // namespace fleetqshape
