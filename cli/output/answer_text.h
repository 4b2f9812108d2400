// Answers in the form that was asked for.
#ifndef FLEETQSHAPE_CLI_OUTPUT_ANSWER_TEXT_H_
#define FLEETQSHAPE_CLI_OUTPUT_ANSWER_TEXT_H_

#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/output/fleet_table.h"
#include "cli/output/table_view.h"
#include "cli/output/terminal.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

struct AnswerText {
  std::string text;                // for standard output
  std::vector<std::string> notes;  // for standard error, a line each
};

// True if the answer shows how full the active queues are, and so AnswerOf wants the relays: rows
// that relays belong to, of active alone.
bool WantsFullness(const CliOptions& options);

// How a table is to be shown to people.
TableView ViewOf(const CliOptions& options, const Terminal& terminal);

// The table as text with styles, whatever the output asked for is.
Screen ScreenOf(const FleetTable& answer, const TableView& view);

// `asked` is the question that was answered; `relays` those that it is about, null if they are not
// known.
AnswerText TextOfTable(FleetTable answer, const v1::TableRequest& asked, const CliOptions& options,
                       const Terminal& terminal, const v1::ListRelaysResponse* relays);

// The same of this machine's queue, which has no aggregator to tell ages: as a table, wide or not.
std::string TextOfLocalTable(Table table, const CliOptions& options, const TextOptions& text,
                             const Terminal& terminal);

std::string TextOfRelays(const v1::ListRelaysResponse& relays, Output output,
                         const Terminal& terminal);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_ANSWER_TEXT_H_
