#include "cli/output/group_columns.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "cli/output/display_width.h"
#include "cli/output/figures.h"

namespace fleetqshape {
namespace {

void AddCell(const std::string& text, size_t width, Style style, ScreenLine* line) {
  line->AddSpaces(width > text.size() ? width - text.size() : 0);
  line->Add(text, style);
}

}  // namespace

void HeatScale::Add(const uint64_t* counts, size_t columns) {
  sum = std::max(sum, counts[0]);
  for (size_t column = 1; column < columns; ++column) age = std::max(age, counts[column]);
}

HeatScale ScaleOf(const FleetTable& answer) {
  HeatScale scale;
  for (size_t row = 0; row < answer.names.size(); ++row) {
    for (size_t group = 0; group < answer.groups(); ++group) {
      scale.Add(answer.row(row, group).counts, answer.columns());
    }
  }
  return scale;
}

GroupColumns::GroupColumns(const FleetTable& answer, size_t first_group, size_t end_group,
                           const ShownColumns& shown, const TextOptions& options) {
  const std::vector<std::string> heads = TableHeads(answer.columns(), options);
  const auto add = [this](Kind kind, size_t index, const std::string& head, size_t longest) {
    columns_.push_back({kind, index, head, 1 + std::max({head.size(), longest, size_t{2}})});
  };
  const auto add_count = [&](size_t column) {
    size_t longest = 0;
    for (size_t group = first_group; group < end_group; ++group) {
      longest = std::max(longest, absl::StrCat(answer.total(group).counts[column]).size());
    }
    add(Kind::kCount, column, heads[column], longest);
  };
  add_count(0);
  if (shown.full) add(Kind::kFull, 0, "full", 4);
  if (shown.share) add(Kind::kShare, 0, "share", 5);
  if (shown.ages) {
    size_t median = 0;
    size_t oldest = 0;
    const auto see = [&](const GroupRow& row) {
      median = std::max(median, AgeText(row.median_age).size());
      oldest = std::max(oldest, AgeText(row.oldest_age).size());
    };
    for (size_t group = first_group; group < end_group; ++group) {
      see(answer.total(group));
      for (size_t row = 0; row < answer.names.size(); ++row) see(answer.row(row, group));
    }
    add(Kind::kMedian, 0, "median", median);
    add(Kind::kOldest, 0, "oldest", oldest);
  }
  for (size_t column = shown.first_age; column < answer.columns(); ++column) add_count(column);
}

size_t GroupColumns::width() const {
  return std::accumulate(columns_.begin(), columns_.end(), size_t{0},
                         [](size_t sum, const Column& column) { return sum + column.width; });
}

size_t GroupColumns::DropAges(size_t columns) {
  size_t left = width();
  const auto ages = std::find_if(columns_.begin(), columns_.end(), [](const Column& column) {
    return column.kind == Kind::kCount && column.index > 0;
  });
  auto end = ages;
  while (end != columns_.end() && left > columns) left -= (end++)->width;
  const auto dropped = static_cast<size_t>(end - ages);
  columns_.erase(ages, end);
  return dropped;
}

void GroupColumns::AddHeads(ScreenLine* line) const {
  for (const Column& column : columns_) {
    line->Add(PadLeft(column.head, column.width), Style::kHead);
  }
}

void GroupColumns::AddCells(const GroupRow& row, const GroupRow& total, const HeatScale& scale,
                            bool heat_sums, const ActiveQueue* full, ScreenLine* line) const {
  for (const Column& column : columns_) {
    switch (column.kind) {
      case Kind::kCount: {
        const uint64_t count = row.counts[column.index];
        Style style = HeatOf(count, scale.age);
        if (column.index == 0) style = heat_sums ? HeatOf(count, scale.sum) : Style::kPlain;
        AddCell(absl::StrCat(count), column.width, style, line);
        break;
      }
      case Kind::kShare:
        AddCell(ShareText(row.counts[0], total.counts[0]), column.width,
                row.counts[0] == 0 ? Style::kDim : Style::kPlain, line);
        break;
      case Kind::kMedian:
        AddCell(AgeText(row.median_age), column.width,
                row.median_age < 0 ? Style::kDim : Style::kPlain, line);
        break;
      case Kind::kOldest:
        AddCell(AgeText(row.oldest_age), column.width,
                row.oldest_age < 0 ? Style::kDim : Style::kPlain, line);
        break;
      case Kind::kFull:
        AddCell(full == nullptr ? "-" : FullText(*full), column.width,
                full == nullptr ? Style::kDim : StyleOf(*full), line);
        break;
    }
  }
}

}  // namespace fleetqshape
