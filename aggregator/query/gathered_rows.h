// Counts many short lists of arrivals at a time.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_ROWS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_ROWS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/query/age_scale.h"

namespace fleetqshape {

// Rows to which lists are added. Short ones are put side by side first: to count a list costs as
// much as to count some dozens of arrivals more. For one thread.
class GatheredRows {
 public:
  // `rows` rows of `columns` numbers. With many rows nothing is gathered: they would not fit into a
  // near cache.
  GatheredRows(size_t rows, size_t columns);

  // Scales outlive this.
  void Add(size_t row, const AgeScale& scale, absl::Span<const uint32_t> sorted);
  void Add(size_t row, const AgeScale& scale, absl::Span<const int64_t> sorted);

  // All rows, one after the other.
  std::vector<uint64_t> Take();

 private:
  static constexpr size_t kMostRows = 128;
  static constexpr size_t kGathered = 512;

  struct Gathered {
    const AgeScale* scale = nullptr;
    size_t size = 0;
    std::array<uint32_t, kGathered> values;
  };

  void Count(size_t row);

  size_t columns_;
  std::vector<uint64_t> counts_;
  std::vector<Gathered> gathered_;  // by row; none if there are many rows
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_ROWS_H_
