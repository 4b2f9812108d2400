// Counts the rows that are names, once it is known which they are.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_ROW_COUNTER_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_ROW_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "aggregator/query/counted_rows.h"
#include "aggregator/query/name_totals.h"
#include "aggregator/query/paged_column.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/scan.h"
#include "aggregator/query/taken_names.h"

namespace fleetqshape {

// In which rows a name counts: in one, and in those that lie above it.
struct RowsOfNames {
  static constexpr uint32_t kNoRow = std::numeric_limits<uint32_t>::max();

  using Column = PagedColumn<uint32_t, kNoRow>;

  Column row_of_name;               // by fleet id
  std::vector<uint32_t> row_above;  // by row; kNoRow. Empty without parents.
  size_t rows = 0;
};

// The rows' numbers, and TOTAL's; where the rows' arrivals are, too, if `ages`. `totals` are those
// of CountNames.
CountedRows CountRows(const Scan& scan, const TakenNames& taken, const NameTotals& totals,
                      const RowsOfNames& rows, bool ages, const Crew& crew);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_ROW_COUNTER_H_
