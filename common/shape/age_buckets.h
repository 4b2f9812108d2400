// Ages sorted into buckets, as qshape's bucket() does it.
#ifndef FLEETQSHAPE_COMMON_SHAPE_AGE_BUCKETS_H_
#define FLEETQSHAPE_COMMON_SHAPE_AGE_BUCKETS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fleetqshape {

// qshape's -b, -t and -l.
struct BucketOptions {
  double bucket_count = 10;   // above 0; a fraction is allowed, as in qshape (3.7 makes 3 buckets)
  double bucket_minutes = 5;  // above 0: the first bucket's width
  bool linear = false;        // equal widths instead of doubling ones
};

// Buckets are half-open ranges of ages, the first one [.., bucket_minutes), the last one without
// an end; they are numbered from 1, because column 0 of a table is the sum. Immutable.
class AgeBuckets {
 public:
  // The largest bucket count that a table may have.
  static constexpr double kMaxBucketCount = 100'000;

  // `options.bucket_count` is above 0 and at most kMaxBucketCount.
  explicit AgeBuckets(const BucketOptions& options);

  // Columns of a table: the sum and the buckets.
  size_t columns() const { return columns_; }

  // The bucket of a message that is `age_seconds` old. It is columns() or more only if
  // bucket_count is below 1, and then the table has no column for it.
  size_t BucketOf(double age_seconds) const;

  // For whole-second arrivals at the reference time `now_seconds`: edge k (from 0) is the smallest
  // arrival that falls into bucket k + 1 or an earlier one, so falling with k; the last bucket's is
  // INT64_MIN. An arrival is in bucket k + 1 if it is >= edge k and (k == 0 or < edge k - 1).
  std::vector<int64_t> ArrivalEdges(int64_t now_seconds) const;

 private:
  BucketOptions options_;
  size_t columns_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_AGE_BUCKETS_H_
