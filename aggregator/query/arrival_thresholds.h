// Counts arrivals against thresholds: the innermost loop of every question.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_ARRIVAL_THRESHOLDS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_ARRIVAL_THRESHOLDS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace fleetqshape {

// A few seconds since the Unix epoch. Immutable.
class ArrivalThresholds {
 public:
  explicit ArrivalThresholds(std::vector<int64_t> thresholds);

  size_t size() const { return thresholds_.size(); }
  int64_t operator[](size_t index) const { return thresholds_[index]; }

  // Adds to counts[k], for each threshold k, how many of the values, in any order, are not below
  // it. Compares each value with each threshold, many values at a time: for a few thresholds that
  // is quicker than any search.
  void CountNotBelow(absl::Span<const uint32_t> values, uint64_t* counts) const;
  void CountNotBelow(absl::Span<const int64_t> values, uint64_t* counts) const;

 private:
  std::vector<int64_t> thresholds_;
  std::vector<int32_t> biased_;         // of those that some uint32_t lie below of, less 2^31
  std::vector<size_t> biased_indices_;  // where they are among thresholds_
  std::vector<size_t> always_;          // which no uint32_t is below of
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_ARRIVAL_THRESHOLDS_H_
