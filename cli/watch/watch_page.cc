#include "cli/watch/watch_page.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/output/answer_text.h"
#include "cli/output/coverage_text.h"
#include "cli/output/display_width.h"
#include "cli/output/figures.h"
#include "cli/watch/question_text.h"

namespace fleetqshape {
namespace {

// Lines beside the rows of a table: what is asked, the answer's time, coverage, a failure, heads,
// TOTAL, keys.
constexpr size_t kMostCoverageLines = 3;
constexpr size_t kMostFailureLines = 2;
constexpr size_t kOtherLines = 1 + 1 + kMostCoverageLines + kMostFailureLines + 2 + 1 + 1;

// Screens of less than this go without.
constexpr size_t kLinesForKeys = 5;
constexpr size_t kLinesForTitle = 6;
constexpr size_t kLinesForStatus = 8;
constexpr size_t kLinesForCoverage = 10;
constexpr size_t kLinesForMore = 16;
constexpr size_t kColumnsForBothGrowths = 60;
constexpr size_t kColumnsForGrowth = 40;
constexpr size_t kGrowthWidth = 5;

// A question that takes longer than this is worth a word.
constexpr int64_t kLongMilliseconds = 3000;

std::string SpanText(int64_t milliseconds) {
  if (milliseconds > 0 && milliseconds < 950)
    return absl::StrFormat("%.1fs", static_cast<double>(milliseconds) / 1000);
  return DurationText((milliseconds + 500) / 1000);
}

std::string IntervalText(double seconds) {
  return seconds < 60 ? absl::StrCat(seconds, "s") : DurationText(static_cast<int64_t>(seconds));
}

std::string OrderText(const WatchModel& model) {
  switch (model.order()) {
    case WatchModel::Order::kGrowthSinceFirst:
      return "growth since the first picture";
    case WatchModel::Order::kGrowthSinceLast:
      return "growth since the last picture";
    case WatchModel::Order::kTotal:
      return "total";
    case WatchModel::Order::kAsAsked:
      break;
  }
  const CliOptions& options = model.options();
  if (!options.sort.empty()) return options.sort;
  return options.compare_key.empty() ? "total" : "share";
}

bool SortsByGrowth(const WatchModel& model) {
  return model.order() == WatchModel::Order::kGrowthSinceFirst ||
         model.order() == WatchModel::Order::kGrowthSinceLast;
}

ScreenLine TitleOf(const WatchModel& model) {
  ScreenLine line("fleetqshape  ", Style::kHead);
  line.Add(QuestionText(model.options()), Style::kHead);
  const std::string selection = SelectionText(model.options());
  if (!selection.empty()) line.Add(absl::StrCat("  ", selection));
  if (!model.options().compare_key.empty()) {
    line.Add(absl::StrCat("  compared by ", model.options().compare_key));
  }
  return line;
}

ScreenLine StatusOf(const WatchModel& model, size_t rows_on_screen, const Moment& now,
                    std::optional<int64_t> asking_since) {
  ScreenLine line;
  if (model.shown() != nullptr) {
    line.Add(TimeText(model.shown()->answer.table.head.at_seconds()));
    line.Add("  ");
  }
  if (model.paused()) line.Add("PAUSED  ", Style::kWarning);
  const int64_t asking = asking_since ? now.monotonic_milliseconds - *asking_since : 0;
  if (asking >= kLongMilliseconds) {
    line.Add(absl::StrCat("no answer for ", DurationText(asking / 1000), "  "), Style::kWarning);
  }
  line.Add(
      absl::StrCat("every ", IntervalText(model.interval_seconds()), "  by ", OrderText(model)));
  if (model.shown() == nullptr) return line;
  const FleetTable& table = model.shown()->answer.table;
  const uint64_t there = std::max<uint64_t>(table.head.rows(), table.names.size());
  if (SortsByGrowth(model) && table.names.size() < there) {
    line.Add(absl::StrCat(" among the ", GroupedCount(table.names.size()), " largest of ",
                          GroupedCount(there), " rows"));
  } else if (rows_on_screen > 0 && rows_on_screen < there) {
    line.Add(absl::StrCat("  rows ", GroupedCount(model.first_row() + 1), "-",
                          GroupedCount(model.first_row() + rows_on_screen), " of ",
                          GroupedCount(there)));
  }
  return line;
}

ScreenText CoverageOf(const WatchModel& model) {
  ScreenText text;
  if (model.shown() == nullptr) return text;
  const WatchAnswer& answer = model.shown()->answer;
  const v1::Coverage& coverage = answer.table.head.coverage();
  const std::vector<std::string> lines = CoverageLines(coverage);
  const bool all_well = coverage.fresh() == coverage.relays() && coverage.problem().empty();
  // A problem of the aggregator's is the last line, and the worst.
  if (!coverage.problem().empty()) text.emplace_back(lines.back(), Style::kBad);
  text.emplace_back(lines[0], all_well ? Style::kDim : Style::kWarning);
  const size_t end = lines.size() - (coverage.problem().empty() ? 0 : 1);
  for (const std::string& failure : answer.failures) text.emplace_back(failure, Style::kWarning);
  for (size_t i = 1; i < end; ++i) text.emplace_back(lines[i], Style::kWarning);
  return text;
}

ScreenText FailureOf(const WatchModel& model, size_t columns, const Moment& now) {
  ScreenText text;
  if (!model.failure()) return text;
  const WatchModel::Failure& failure = *model.failure();
  const int64_t seconds =
      (now.monotonic_milliseconds - failure.since.monotonic_milliseconds) / 1000;
  const std::string all =
      absl::StrCat("no answer since ", TimeText(failure.since.wall_milliseconds / 1000), " (",
                   DurationText(seconds), "): ", failure.text);
  std::string_view rest = all;
  while (!rest.empty() && text.size() < kMostFailureLines) {
    const std::string_view part = FirstColumns(rest, columns);
    if (part.empty()) break;
    text.emplace_back(part, Style::kBad);
    rest.remove_prefix(part.size());
  }
  return text;
}

ScreenLine KeysOf(const WatchModel& model, size_t columns) {
  if (!model.note().empty()) return ScreenLine(model.note(), Style::kWarning);
  const bool senders = model.options().axis == Axis::kSenderDomain;
  const std::array<std::pair<const char*, const char*>, 11> keys = {
      {{"q", "quit"},
       {"?", "help"},
       {"s", senders ? "recipients" : "senders"},
       {"1-5", "queues"},
       {"c", "cluster"},
       {"g", "growth"},
       {"t", "total"},
       {"p", model.paused() ? "go on" : "pause"},
       {"r", "reset"},
       {"+-", "interval"},
       {"arrows", "scroll"}}};
  ScreenLine line;
  for (const auto& [key, what] : keys) {
    ScreenLine entry;
    entry.AddSpaces(line.spans().empty() ? 0 : 2);
    entry.Add(key, Style::kHead);
    entry.Add(absl::StrCat(" ", what), Style::kDim);
    if (line.Width() + entry.Width() > columns) break;
    line.Add(entry);
  }
  return line;
}

ScreenText HelpPage() {
  ScreenText text = {ScreenLine("fleetqshape: keys", Style::kHead), ScreenLine()};
  const std::array<std::pair<const char*, const char*>, 13> keys = {
      {{"q", "quit"},
       {"s", "sender domains and messages, or recipient domains and recipients"},
       {"1 to 5", "with or without maildrop, hold, incoming, active, deferred"},
       {"c", "the next cluster; after the last one all of them"},
       {"g", "sort by growth since the first picture; again: since the last one"},
       {"t", "sort by total; again: as the command line says"},
       {"r", "count growth from now on"},
       {"p, space", "pause, go on"},
       {"+, -", "more or less time between two pictures"},
       {"arrows", "up and down, also PgUp and PgDn; Home: back to the first row"},
       {"", ""},
       {"+5s, +2m", "what a row grew since the last, and since the first picture, so long ago"},
       {">=20", "at least so much: it was not among the rows that were asked for then"}}};
  for (const auto& [key, what] : keys) {
    ScreenLine line(PadRight(key, 10), Style::kHead);
    line.Add(what);
    text.push_back(std::move(line));
  }
  text.emplace_back();
  text.emplace_back("any key: back", Style::kDim);
  return text;
}

// The growth of rows, as columns before the table.
class GrowthColumns {
 public:
  GrowthColumns(const WatchModel::Shown& shown, const std::vector<size_t>& rows, size_t columns)
      : shown_(shown) {
    if (columns >= kColumnsForBothGrowths) {
      columns_.push_back({&shown.since_last, &shown.total_since_last,
                          absl::StrCat("+", SpanText(shown.last_milliseconds)), kGrowthWidth});
    }
    if (columns >= kColumnsForGrowth) {
      columns_.push_back({&shown.since_first, &shown.total_since_first,
                          absl::StrCat("+", SpanText(shown.first_milliseconds)), kGrowthWidth});
    }
    for (Column& column : columns_) {
      column.width = std::max({column.width, column.head.size(), GrowthText(*column.total).size()});
      for (const size_t row : rows) {
        column.width = std::max(column.width, GrowthText(GrowthOf(column, row)).size());
      }
    }
  }

  size_t width() const {
    size_t width = 0;
    for (const Column& column : columns_) width += column.width + 1;
    return width;
  }

  ScreenLine Heads() const {
    ScreenLine line;
    for (const Column& column : columns_) {
      line.Add(absl::StrCat(PadLeft(column.head, column.width), " "), Style::kHead);
    }
    return line;
  }

  // `row` of the answer's table, or kTotalRow.
  ScreenLine Cells(size_t row) const {
    ScreenLine line;
    for (const Column& column : columns_) {
      const Growth growth = GrowthOf(column, row);
      Style style = growth.count > 0 ? Style::kWarning : Style::kGood;
      if (growth.count == 0) style = Style::kDim;
      const std::string text = GrowthText(growth);
      line.AddSpaces(column.width - text.size());
      line.Add(text, style);
      line.AddSpaces(1);
    }
    return line;
  }

 private:
  struct Column {
    const std::vector<Growth>* rows;
    const Growth* total;
    std::string head;
    size_t width;
  };

  Growth GrowthOf(const Column& column, size_t row) const {
    if (!shown_.has_growth()) return {};
    return row == kTotalRow ? *column.total : (*column.rows)[row];
  }

  const WatchModel::Shown& shown_;
  std::vector<Column> columns_;
};

FleetTable RowsOf(const FleetTable& table, const std::vector<size_t>& rows) {
  FleetTable some;
  some.head = table.head;
  const size_t groups = table.groups();
  const auto append = [](const auto& from, size_t first, size_t count, auto* to) {
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
    to->insert(to->end(), begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  for (const size_t row : rows) {
    some.names.push_back(table.names[row]);
    append(table.counts, row * groups * table.columns(), groups * table.columns(), &some.counts);
    if (!table.has_ages()) continue;
    append(table.median_ages, row * groups, groups, &some.median_ages);
    append(table.oldest_ages, row * groups, groups, &some.oldest_ages);
  }
  return some;
}

ScreenLine Dimmed(const ScreenLine& line) { return ScreenLine(line.Text(), Style::kDim); }

struct TablePart {
  ScreenText text;
  size_t rows = 0;  // of the table that are in it
};

TablePart TableOf(const WatchModel& model, size_t lines, size_t columns) {
  const WatchModel::Shown& shown = *model.shown();
  const size_t first = std::min(model.first_row(), shown.rows.size());
  const size_t count = std::min(shown.rows.size() - first, lines);
  const auto begin = shown.rows.begin() + static_cast<std::ptrdiff_t>(first);
  const std::vector<size_t> rows(begin, begin + static_cast<std::ptrdiff_t>(count));
  const GrowthColumns growth(shown, rows, columns);

  Terminal terminal;
  terminal.is_terminal = true;
  terminal.columns = columns - growth.width();
  TableView view = ViewOf(model.options(), terminal);
  view.text.keep_order = true;
  view.text.top_rows = 0;
  view.aligned = true;
  std::optional<Fullness> fullness;
  if (shown.answer.relays && WantsFullness(model.options())) {
    view.fullness = &fullness.emplace(*shown.answer.relays, model.options().rows_by);
  }
  const Screen screen = ScreenOf(RowsOf(shown.answer.table, rows), view);

  TablePart part;
  bool heads_done = false;
  for (size_t i = 0; i < screen.text.size() && i < lines; ++i) {
    const size_t row = screen.rows[i];
    ScreenLine line;
    if (row != kNoRow) {
      line = growth.Cells(row == kTotalRow ? row : rows[row]);
      part.rows += row == kTotalRow ? 0 : 1;
    } else if (!heads_done && i + 1 < screen.rows.size() && screen.rows[i + 1] != kNoRow) {
      line = growth.Heads();
      heads_done = true;
    } else {
      line.AddSpaces(growth.width());
    }
    line.Add(screen.text[i]);
    part.text.push_back(model.is_current() ? std::move(line) : Dimmed(line));
  }
  return part;
}

}  // namespace

size_t RoomOf(const PageSize& size) {
  return size.lines > kOtherLines + 1 ? size.lines - kOtherLines : 1;
}

ScreenText PageOf(const WatchModel& model, const PageSize& size, const Moment& now,
                  std::optional<int64_t> asking_since, size_t* rows_on_page) {
  if (rows_on_page != nullptr) *rows_on_page = 0;
  ScreenText page;
  const auto add = [&page, &size](const ScreenLine& line) {
    if (page.size() < size.lines) page.push_back(line.Cut(size.columns));
  };
  if (model.help()) {
    for (const ScreenLine& line : HelpPage()) add(line);
    return page;
  }
  ScreenText coverage = CoverageOf(model);
  size_t most = size.lines >= kLinesForCoverage ? 1 : 0;
  if (size.lines >= kLinesForMore) most = kMostCoverageLines;
  if (coverage.size() > most) coverage.resize(most);
  const ScreenText failure = FailureOf(model, size.columns, now);

  const bool has_title = size.lines >= kLinesForTitle;
  const bool has_status = size.lines >= kLinesForStatus;
  const bool has_keys = size.lines >= kLinesForKeys;
  const size_t others = (has_title ? 1 : 0) + (has_status ? 1 : 0) + (has_keys ? 1 : 0) +
                        coverage.size() + failure.size();
  const size_t left = size.lines > others ? size.lines - others : 0;
  TablePart table;
  if (model.shown() != nullptr) {
    table = TableOf(model, left, size.columns);
    if (rows_on_page != nullptr) *rows_on_page = table.rows;
  } else if (!model.failure()) {
    table.text.emplace_back(absl::StrCat("asking ", absl::StrJoin(model.options().servers, ", ")),
                            Style::kDim);
  }
  if (has_title) add(TitleOf(model));
  if (has_status) add(StatusOf(model, table.rows, now, asking_since));
  for (const ScreenText& part : {failure, coverage, table.text}) {
    for (const ScreenLine& line : part) add(line);
  }
  if (has_keys) {
    while (page.size() + 1 < size.lines) page.emplace_back();
    add(KeysOf(model, size.columns));
  }
  return page;
}

}  // namespace fleetqshape
