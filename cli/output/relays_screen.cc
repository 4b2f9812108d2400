#include "cli/output/relays_screen.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/output/display_width.h"
#include "cli/output/figures.h"
#include "cli/output/fullness.h"
#include "cli/output/relay_facts.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

constexpr size_t kSpace = 2;  // between columns

struct Cell {
  std::string text;
  Style style = Style::kPlain;
};

struct Column {
  std::string_view head;
  bool number;
  int leaves;  // the lower ones leave a narrow terminal first
  Cell (*cell)(const v1::RelayStatus& relay, int64_t now_seconds);
};

Cell Unknown() { return {"-", Style::kDim}; }

template <v1::Queue queue>
Cell QueueCell(const v1::RelayStatus& relay, int64_t /*now*/) {
  if (!HasState(relay)) return Unknown();
  const uint64_t messages = MessagesIn(relay, queue);
  return {absl::StrCat(messages), messages == 0 ? Style::kDim : Style::kPlain};
}

Cell StateCell(const v1::RelayStatus& relay, int64_t /*now*/) {
  const std::string_view state = StateOf(relay);
  Style style = Style::kWarning;
  if (state == "fresh") style = Style::kGood;
  if (state == "stranded" || state == "damaged") style = Style::kBad;
  return {std::string(state), style};
}

Cell FullCell(const v1::RelayStatus& relay, int64_t /*now*/) {
  ActiveQueue queue;
  queue.Add(relay);
  return {FullText(queue), StyleOf(queue)};
}

Cell LagCell(const v1::RelayStatus& relay, int64_t now_seconds) {
  if (relay.heard_seconds() == 0) return Unknown();
  const int64_t lag = now_seconds == 0 ? relay.silent_seconds()
                                       : std::max<int64_t>(now_seconds - relay.heard_seconds(), 0);
  return {DurationText(lag),
          relay.freshness() == v1::FRESHNESS_FRESH ? Style::kPlain : Style::kBad};
}

Cell ClockCell(const v1::RelayStatus& relay, int64_t /*now*/) {
  const int64_t offset = relay.clock_offset_milliseconds();
  const char* sign = offset <= -50 ? "-" : "+";  // no -0.0s
  const double seconds = std::abs(static_cast<double>(offset)) / 1000;
  if (!IsSkewed(relay)) return {absl::StrFormat("%s%.1fs", sign, seconds), Style::kDim};
  return {absl::StrCat(sign, DurationText(static_cast<int64_t>(seconds))), Style::kWarning};
}

Cell SkippedCell(const v1::RelayStatus& relay, int64_t /*now*/) {
  const uint64_t files = SkippedFiles(relay);
  return {absl::StrCat(files), files == 0 ? Style::kDim : Style::kWarning};
}

Cell OrUnknown(const std::string& text) { return text.empty() ? Unknown() : Cell{text}; }

constexpr std::array<Column, 16> kColumns = {{
    {"cluster", false, 11, [](const auto& relay, int64_t) { return Cell{relay.cluster()}; }},
    {"host", false, 99, [](const auto& relay, int64_t) { return Cell{relay.host()}; }},
    {"instance", false, 4, [](const auto& relay, int64_t) { return Cell{relay.instance()}; }},
    {"role", false, 9,
     [](const auto& relay, int64_t) { return OrUnknown(LabelOf(relay, "role")); }},
    {"maildrop", true, 7, QueueCell<v1::QUEUE_MAILDROP>},
    {"hold", true, 8, QueueCell<v1::QUEUE_HOLD>},
    {"incoming", true, 10, QueueCell<v1::QUEUE_INCOMING>},
    {"active", true, 15, QueueCell<v1::QUEUE_ACTIVE>},
    {"deferred", true, 14, QueueCell<v1::QUEUE_DEFERRED>},
    {"state", false, 99, StateCell},
    {"lag", true, 13, LagCell},
    {"full", true, 12, FullCell},
    {"clock", true, 6, ClockCell},
    {"skipped", true, 5, SkippedCell},
    {"last report", false, 3,
     [](const auto& relay, int64_t) {
       return relay.heard_seconds() == 0 ? Unknown() : Cell{TimeText(relay.heard_seconds())};
     }},
    {"agent, Postfix", false, 2,
     [](const auto& relay, int64_t) {
       return OrUnknown(relay.agent_version() + (relay.settings().mail_version().empty()
                                                     ? ""
                                                     : ", " + relay.settings().mail_version()));
     }},
}};

// One column of the table: its cells, and how wide it is.
struct Shown {
  const Column* column;
  std::vector<Cell> cells;
  size_t width;
};

std::vector<Shown> AllColumns(const v1::ListRelaysResponse& relays) {
  std::vector<Shown> shown;
  for (const Column& column : kColumns) {
    Shown one{&column, {}, column.head.size()};
    for (const v1::RelayStatus& relay : relays.relays()) {
      Cell cell = column.cell(relay, relays.at_seconds());
      cell.text = PrintableName(cell.text);
      one.width = std::max(one.width, DisplayWidth(cell.text));
      one.cells.push_back(std::move(cell));
    }
    shown.push_back(std::move(one));
  }
  return shown;
}

void DropColumns(size_t screen_columns, std::vector<Shown>* columns) {
  const auto width = [columns] {
    size_t sum = 0;
    for (const Shown& one : *columns) sum += one.width + kSpace;
    return sum - kSpace;
  };
  while (columns->size() > 2 && width() > screen_columns) {
    columns->erase(std::min_element(
        columns->begin(), columns->end(),
        [](const Shown& a, const Shown& b) { return a.column->leaves < b.column->leaves; }));
  }
}

}  // namespace

ScreenText RelaysScreen(const v1::ListRelaysResponse& relays, size_t screen_columns) {
  std::vector<Shown> columns = AllColumns(relays);
  if (screen_columns > 0) DropColumns(screen_columns, &columns);
  ScreenText text(static_cast<size_t>(relays.relays_size()) + 1);
  for (size_t row = 0; row < text.size(); ++row) {
    ScreenLine line;
    for (const Shown& one : columns) {
      const Cell cell =
          row == 0 ? Cell{std::string(one.column->head), Style::kHead} : one.cells[row - 1];
      const size_t padding = one.width - DisplayWidth(cell.text);
      const bool last = &one == &columns.back();
      if (one.column->number) line.AddSpaces(padding);
      line.Add(cell.text, cell.style);
      if (!one.column->number && !last) line.AddSpaces(padding);
      if (!last) line.AddSpaces(kSpace);
    }
    text[row] = screen_columns > 0 ? line.Cut(screen_columns) : std::move(line);
  }
  return text;
}

RelaysCheck CheckRelays(const v1::ListRelaysResponse& relays) {
  constexpr size_t kMostNamed = 5;
  size_t fresh = 0;
  size_t stale = 0;
  size_t missing = 0;
  size_t skewed = 0;
  uint64_t stranded_messages = 0;
  uint64_t skipped_files = 0;
  std::vector<std::string> others;
  for (const v1::RelayStatus& relay : relays.relays()) {
    skewed += IsSkewed(relay) ? 1 : 0;
    skipped_files += SkippedFiles(relay);
    if (!relay.damaged() && relay.freshness() == v1::FRESHNESS_FRESH) {
      ++fresh;
      continue;
    }
    const bool is_stale = !relay.damaged() && relay.freshness() == v1::FRESHNESS_STALE;
    ++(is_stale ? stale : missing);
    if (is_stale) stranded_messages += MessagesOf(relay);
    const std::string_view state = StateOf(relay);
    others.push_back(absl::StrCat(RelayName(relay), " ",
                                  absl::string_view(state.data(), state.size()), " for ",
                                  DurationText(relay.silent_seconds())));
  }
  const size_t all = static_cast<size_t>(relays.relays_size());
  if (others.size() > kMostNamed) {
    const size_t more = others.size() - kMostNamed;
    others.resize(kMostNamed);
    others.push_back(absl::StrCat("and ", more, " more"));
  }
  std::string text = fresh == all
                         ? absl::StrCat("OK - ", CountText(all, "relay"), " fresh")
                         : absl::StrCat("UNKNOWN - ", fresh, " of ", CountText(all, "relay"),
                                        " fresh: ", absl::StrJoin(others, ", "));
  // A bar starts the performance data.
  text = absl::StrReplaceAll(PrintableName(text), {{"|", "/"}});
  absl::StrAppend(&text, " | fresh=", fresh, " stale=", stale, " missing=", missing,
                  " stranded_messages=", stranded_messages, " skewed=", skewed,
                  " skipped_files=", skipped_files);
  return {fresh == all, text};
}

}  // namespace fleetqshape
