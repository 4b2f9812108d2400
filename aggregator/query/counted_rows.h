// The numbers of rows, while they are counted.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_COUNTED_ROWS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_COUNTED_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "aggregator/query/scan.h"
#include "aggregator/query/taken_names.h"

namespace fleetqshape {

// Arrivals that count in a row: one name's of a piece, or all of it. Where a name's are is noted,
// since the block's offsets are in no near cache when it comes up again.
struct RowArrivals {
  static constexpr uint32_t kWholeBlock = std::numeric_limits<uint32_t>::max();

  uint32_t row = 0;
  uint32_t piece = 0;  // Scan::pieces
  uint32_t first = 0;  // of the block's arrivals
  uint32_t count = kWholeBlock;
};

// Rows, by groups, by columns; TOTAL, by groups, by columns; and where the arrivals of the rows
// are, if that was asked for.
struct CountedRows {
  std::vector<uint64_t> counts;
  std::vector<uint64_t> total;
  std::vector<RowArrivals> arrivals;
  // Rows, by groups: the oldest age, kNoAge if there is none. Empty: not known.
  std::vector<int64_t> oldest;
  uint64_t outside = 0;  // what TOTAL counts and no row does

  // Rows must not yet count what others do.
  void CountOutside(size_t columns);
  void Add(const CountedRows& other);
};

// Adds those of a piece that are of names that count to a row.
void AddRowArrivals(const Scan& scan, const TakenNames& taken, uint32_t piece, uint32_t row,
                    std::vector<RowArrivals>* arrivals);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_COUNTED_ROWS_H_
