// The bucket that has a row's median.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_MEDIAN_BUCKET_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_MEDIAN_BUCKET_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/query/age_sources.h"

namespace fleetqshape {

struct MedianBucket {
  AgeRange range;      // its ages
  uint64_t rank = 0;   // of the median among them: so many come before it
  uint64_t count = 0;  // how many there are
};

// `columns`: the row's numbers of one group, which are not all 0; `edges`: Scan::edges; `all`: all
// of its ages.
MedianBucket FindMedianBucket(const std::vector<int64_t>& edges, absl::Span<const uint64_t> columns,
                              const AgeRange& all);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_MEDIAN_BUCKET_H_
