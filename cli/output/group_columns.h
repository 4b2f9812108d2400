// The columns that a group of relays has in a table: how wide they are, and their cells.
#ifndef FLEETQSHAPE_CLI_OUTPUT_GROUP_COLUMNS_H_
#define FLEETQSHAPE_CLI_OUTPUT_GROUP_COLUMNS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/output/fleet_table.h"
#include "cli/output/fullness.h"
#include "cli/output/screen_text.h"
#include "common/shape/table_layout.h"

namespace fleetqshape {

// The largest cells of a table but for TOTAL, which the heat of others is measured against.
struct HeatScale {
  uint64_t sum = 0;  // the largest sum of a row
  uint64_t age = 0;  // the largest cell of an age

  void Add(const uint64_t* counts, size_t columns);
};

HeatScale ScaleOf(const FleetTable& answer);

// What is shown of a group beside its sums.
struct ShownColumns {
  bool share = false;
  bool ages = false;     // median and oldest
  size_t first_age = 1;  // age columns from this one on; the table's columns: none
  bool full = false;
};

class GroupColumns {
 public:
  // Of these groups of the answer, each of which gets columns of the same widths.
  GroupColumns(const FleetTable& answer, size_t first_group, size_t end_group,
               const ShownColumns& shown, const TextOptions& options);

  // Leaves out columns of ages, the youngest first, until the rest fits into so many columns of a
  // terminal. Returns how many.
  size_t DropAges(size_t columns);

  // Of all columns, each with the space before it.
  size_t width() const;
  void AddHeads(ScreenLine* line) const;
  // `total` is the group's TOTAL, which shares are of. `heat_sums`: sums take part in the heat.
  void AddCells(const GroupRow& row, const GroupRow& total, const HeatScale& scale, bool heat_sums,
                const ActiveQueue* full, ScreenLine* line) const;

 private:
  enum class Kind { kCount, kShare, kMedian, kOldest, kFull };
  struct Column {
    Kind kind;
    size_t index;  // of counts
    std::string head;
    size_t width;
  };

  std::vector<Column> columns_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_GROUP_COLUMNS_H_
