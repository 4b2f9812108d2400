#include "aggregator/query/median_bucket.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace fleetqshape {
namespace {

// The ages of a bucket, from 1.
AgeRange RangeOfBucket(const std::vector<int64_t>& edges, size_t bucket) {
  constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::min();
  const int64_t edge = edges[bucket - 1];
  return {bucket == 1 ? 0 : 1 - edges[bucket - 2], edge == kNoEnd ? kOldestAge : -edge};
}

}  // namespace

MedianBucket FindMedianBucket(const std::vector<int64_t>& edges, absl::Span<const uint64_t> columns,
                              const AgeRange& all) {
  uint64_t rank = columns[0] / 2;
  for (size_t bucket = 1; bucket < columns.size(); ++bucket) {
    if (rank < columns[bucket]) {
      const AgeRange range = RangeOfBucket(edges, bucket);
      return {{std::max(range.youngest, all.youngest), std::min(range.oldest, all.oldest)},
              rank,
              columns[bucket]};
    }
    rank -= columns[bucket];
  }
  return {all, rank, columns[0]};  // no buckets are counted
}

}  // namespace fleetqshape
