// Groups of relays, compared.
#ifndef FLEETQSHAPE_CLI_OUTPUT_COMPARISON_SCREEN_H_
#define FLEETQSHAPE_CLI_OUTPUT_COMPARISON_SCREEN_H_

#include "cli/output/fleet_table.h"
#include "cli/output/table_view.h"

namespace fleetqshape {

// Groups side by side under their names, a line a row, TOTAL first: sum, share of the group's
// TOTAL, median and oldest age, and the columns of ages if they have room. If even without those
// the groups do not fit side by side, they are stacked: a line a group, under the row's name.
Screen ComparisonScreen(const FleetTable& answer, const TableView& view);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_COMPARISON_SCREEN_H_
