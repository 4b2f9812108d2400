#include "cli/output/answer_text.h"

#include <utility>

#include "cli/output/ansi.h"
#include "cli/output/comparison_screen.h"
#include "cli/output/csv_text.h"
#include "cli/output/json_text.h"
#include "cli/output/prometheus_text.h"
#include "cli/output/relays_screen.h"
#include "cli/output/table_screen.h"
#include "common/shape/table_text.h"

namespace fleetqshape {
namespace {

std::string TextOf(const ScreenText& text, const Terminal& terminal) {
  return terminal.color ? AnsiText(text) : PlainText(text);
}

// qshape's table, as it prints it: there is a faster way to that.
bool IsPlain(const TableView& view, const Terminal& terminal) {
  const bool narrow = view.screen_columns > 0 && view.screen_columns < 80;
  return !view.wide && !view.unicode && !terminal.color && !narrow && view.rows_by.empty() &&
         view.fullness == nullptr;
}

}  // namespace

bool WantsFullness(const CliOptions& options) {
  return !options.rows_by.empty() && options.rows_by != "queue" && options.compare_key.empty() &&
         options.queues == std::vector<std::string>{"active"} &&
         (options.output == Output::kTable || options.output == Output::kWide);
}

TableView ViewOf(const CliOptions& options, const Terminal& terminal) {
  TableView view;
  view.text = options.text;
  // --rows is the same whatever standard output is.
  if (terminal.is_terminal && !options.max_rows) view.text.top_rows = options.redraw_rows;
  view.text.keep_order = !options.sort.empty() && options.sort != "total";
  view.wide = options.output == Output::kWide;
  view.unicode = options.unicode;
  view.senders = options.axis == Axis::kSenderDomain;
  view.parents = options.rows.parents;
  view.rows_by = options.rows_by;
  view.compare_key = options.compare_key;
  view.screen_columns = terminal.columns;
  return view;
}

Screen ScreenOf(const FleetTable& answer, const TableView& view) {
  return answer.groups() > 1 ? ComparisonScreen(answer, view) : TableScreen(answer, view);
}

AnswerText TextOfTable(FleetTable answer, const v1::TableRequest& asked, const CliOptions& options,
                       const Terminal& terminal, const v1::ListRelaysResponse* relays) {
  switch (options.output) {
    case Output::kJson:
      return {TableJson(asked, answer), {}};
    case Output::kCsv:
      return {TableCsv(asked, answer), {}};
    case Output::kPrometheus:
      return {TablePrometheus(asked, answer, options.max_rows.value_or(kPrometheusRows)), {}};
    case Output::kTable:
    case Output::kWide:
      break;
  }
  TableView view = ViewOf(options, terminal);
  std::optional<Fullness> fullness;
  if (relays != nullptr && WantsFullness(options)) {
    view.fullness = &fullness.emplace(*relays, options.rows_by);
  }
  if (answer.groups() == 1 && IsPlain(view, terminal)) {
    AnswerText text;
    NoteCutOff(answer, ShownRows(answer, view), view, &text.notes);
    text.text = TableText(TableOfGroup(std::move(answer), 0), view.text);
    return text;
  }
  Screen screen = ScreenOf(answer, view);
  return {TextOf(screen.text, terminal), std::move(screen.notes)};
}

std::string TextOfLocalTable(Table table, const CliOptions& options, const TextOptions& text,
                             const Terminal& terminal) {
  TableView view = ViewOf(options, terminal);
  view.text = text;
  // --compat is qshape's to the byte.
  if (options.compat || IsPlain(view, terminal)) return TableText(table, text);
  return TextOf(TableScreen(AnswerOf(std::move(table)), view).text, terminal);
}

std::string TextOfRelays(const v1::ListRelaysResponse& relays, Output output,
                         const Terminal& terminal) {
  switch (output) {
    case Output::kJson:
      return RelaysJson(relays);
    case Output::kCsv:
      return RelaysCsv(relays);
    case Output::kPrometheus:
      return RelaysPrometheus(relays);
    case Output::kTable:
    case Output::kWide:
      break;
  }
  return TextOf(RelaysScreen(relays, output == Output::kWide ? 0 : terminal.columns), terminal);
}

}  // namespace fleetqshape
