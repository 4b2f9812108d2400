// The age buckets at one moment of one clock.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SCALE_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SCALE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/ingest/arrival_counts.h"
#include "aggregator/query/arrival_thresholds.h"

namespace fleetqshape {

// The ages that count: at least `min_seconds`, less than `max_seconds`.
struct AgeWindow {
  std::optional<int64_t> min_seconds;
  std::optional<int64_t> max_seconds;

  bool everything() const { return !min_seconds && !max_seconds; }
};

// Which arrivals count, and in which bucket. A row is AgeBuckets::columns() numbers: the sum, then
// the buckets. Immutable.
class AgeScale {
 public:
  // `edges`: the buckets' ArrivalEdges(0).
  AgeScale(int64_t now_seconds, size_t columns, const std::vector<int64_t>& edges,
           const AgeWindow& window);

  // What ages are measured at, in seconds since the Unix epoch.
  int64_t now_seconds() const { return now_seconds_; }
  bool counts_everything() const { return counts_everything_; }

  // Those from the first to the second that count: from the first to the second of what is
  // returned.
  std::pair<int64_t, int64_t> Clamped(std::pair<int64_t, int64_t> arrivals) const;
  // The ones of sorted arrivals that count.
  template <typename Number>
  absl::Span<const Number> Counted(absl::Span<const Number> sorted) const;

  // Adds what counts of arrivals by their seconds to a row.
  void AddSeconds(const ArrivalCounts& arrivals, uint64_t* row) const;
  // Whether AddUnsorted can be used: with few buckets.
  bool few_buckets() const { return thresholds_.size() <= kFewThresholds; }
  // Adds what counts of arrivals in any order to a row.
  template <typename Number>
  void AddUnsorted(absl::Span<const Number> arrivals, uint64_t* row) const;
  // The same of sorted ones, for any number of buckets.
  template <typename Number>
  void AddSorted(absl::Span<const Number> arrivals, uint64_t* row) const;

 private:
  // Beyond it, searching is quicker than comparing with each threshold.
  static constexpr size_t kFewThresholds = 33;

  // Adds to a row, from how many arrivals are not below each threshold.
  void AddNotBelow(const uint64_t* counts, uint64_t* row) const;
  // The bucket of an arrival that is in `oldest` or a younger one.
  size_t BucketOf(int64_t arrival, size_t oldest) const;
  template <typename Number>
  void WalkSorted(absl::Span<const Number> counted, uint64_t* row) const;

  int64_t now_seconds_;
  size_t columns_;
  bool counts_everything_;
  // Arrivals from the first on and before the second count.
  int64_t first_ = 0;
  int64_t end_ = 0;
  std::vector<int64_t> edges_;  // AgeBuckets::ArrivalEdges(now_seconds_)
  // Falling: `end_`, unless everything counts, then the edges within what counts.
  ArrivalThresholds thresholds_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SCALE_H_
