#include "common/shape/age_buckets.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fleetqshape {

AgeBuckets::AgeBuckets(const BucketOptions& options)
    : options_(options), columns_(static_cast<size_t>(options.bucket_count) + 1) {}

size_t AgeBuckets::BucketOf(double age_seconds) const {
  const double widths = age_seconds / (60 * options_.bucket_minutes);
  if (widths < 1) return 1;
  // log(m) / log(2) is exact at powers of two with libm's log; log2 rounds differently elsewhere.
  const double bucket =
      options_.linear ? std::trunc(widths + 1) : 2 + std::trunc(std::log(widths) / std::log(2.0));
  // Written so that a NaN goes where Perl's comparison sends it: into the last bucket.
  return static_cast<size_t>(bucket < options_.bucket_count ? bucket : options_.bucket_count);
}

std::vector<int64_t> AgeBuckets::ArrivalEdges(int64_t now_seconds) const {
  std::vector<int64_t> edges;
  const size_t buckets = std::max<size_t>(columns_ - 1, 1);
  edges.reserve(buckets);
  // Ages are doubles in BucketOf, exact up to 2^53 seconds; more than that is no age.
  constexpr int64_t kMaxAge = int64_t{1} << 53;
  int64_t youngest = 0;  // an age in the current bucket or an earlier one
  for (size_t bucket = 1; bucket < buckets; ++bucket) {
    // Find the largest age that is still in `bucket` or an earlier one. Bucket 1 has no youngest
    // age (a clock may be behind), and 0 may already be beyond none of them.
    int64_t low = youngest;
    int64_t high = kMaxAge;
    if (BucketOf(static_cast<double>(high)) <= bucket) {
      edges.push_back(std::numeric_limits<int64_t>::min());
      continue;
    }
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      (BucketOf(static_cast<double>(middle)) <= bucket ? low : high) = middle;
    }
    youngest = low;
    edges.push_back(now_seconds - low);
  }
  edges.push_back(std::numeric_limits<int64_t>::min());
  return edges;
}

}  // namespace fleetqshape
