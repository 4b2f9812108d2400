// How a table is to be shown, as text for people.
#ifndef FLEETQSHAPE_CLI_OUTPUT_TABLE_VIEW_H_
#define FLEETQSHAPE_CLI_OUTPUT_TABLE_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/output/fleet_table.h"
#include "cli/output/fullness.h"
#include "cli/output/screen_text.h"
#include "common/shape/table_layout.h"

namespace fleetqshape {

struct TableView {
  TextOptions text;                    // width, heads, and how many rows
  bool wide = false;                   // names uncut, with shares and ages
  bool unicode = false;                // ShownName
  bool aligned = false;                // names by the columns they take; else by bytes, as qshape
  bool senders = false;                // what is counted: messages; else recipients
  bool parents = false;                // rows count what others count too
  std::string rows_by;                 // as v1::TableRequest.rows_by
  std::string compare_key;             // what groups are by; empty: nothing is compared
  size_t screen_columns = 0;           // what the terminal has; 0: there is none
  const Fullness* fullness = nullptr;  // a column of how full active is, if there is one
};

inline constexpr size_t kTotalRow = SIZE_MAX;
inline constexpr size_t kNoRow = SIZE_MAX - 1;

struct Screen {
  ScreenText text;
  std::vector<size_t> rows;        // of each line the row that it is the first one of, or kNoRow
  std::vector<std::string> notes;  // what is to be said beside it, a line each
};

// Which rows are shown, and in which order: indices into the answer, kTotalRow being TOTAL. Names
// of one group are in qshape's order, which sorts TOTAL among them; all else is as it came.
std::vector<size_t> ShownRows(const FleetTable& answer, const TableView& view);

// A row's name as it is shown.
std::string RowName(const FleetTable& answer, size_t row, const TableView& view);

// Says how many rows there are beside those shown, with TOTAL among these; nothing if none.
void NoteCutOff(const FleetTable& answer, const std::vector<size_t>& shown, const TableView& view,
                std::vector<std::string>* notes);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_TABLE_VIEW_H_
