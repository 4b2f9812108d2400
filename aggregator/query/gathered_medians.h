// The medians of rows whose arrivals are lists of names'.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_MEDIANS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_MEDIANS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aggregator/query/counted_rows.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

struct GatheredMedians {
  std::vector<int64_t> medians;  // by cells; kNoAge where a cell counts nothing, or is left
  std::vector<size_t> left;      // rising: cells whose buckets are too large to be gathered
};

// Goes once through all lists, in the order in which they were counted: lists of one relay lie
// together, and those of one row do not. Of each it takes the ages of the bucket that has its row's
// median, and puts only these into order. A cell is a row and group, by rows. `rows` has counts,
// lists and the oldest ages. If the question is cancelled meanwhile, the medians mean nothing.
GatheredMedians GatherMedians(const Scan& scan, const CountedRows& rows, const Crew& crew);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_MEDIANS_H_
