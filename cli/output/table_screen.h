// The table of one group of relays: qshape's, or the wide one with shares and ages.
#ifndef FLEETQSHAPE_CLI_OUTPUT_TABLE_SCREEN_H_
#define FLEETQSHAPE_CLI_OUTPUT_TABLE_SCREEN_H_

#include "cli/output/fleet_table.h"
#include "cli/output/table_view.h"

namespace fleetqshape {

// The text of the first group. If the table is not wide it is TableText's, byte for byte, but for
// what the view has beyond that: Unicode, a column of how full active is, a terminal of less than
// 80 columns. There names are shorter, and columns of ages left out, the youngest first, if they
// have no room.
Screen TableScreen(const FleetTable& answer, const TableView& view);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_TABLE_SCREEN_H_
