// Counts many short lists of arrivals at a time.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_ROWS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_ROWS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

  // Adds a sorted list. Values may be read from its beginning to `end`, behind it. Scales outlive
  // this.
  void Add(size_t row, const AgeScale& scale, absl::Span<const uint32_t> list, const uint32_t* end);
  void Add(size_t row, const AgeScale& scale, absl::Span<const int64_t> list, const int64_t* end);

  // All rows, one after the other.
  std::vector<uint64_t> Take();

 private:
  static constexpr size_t kMostRows = 128;
  static constexpr size_t kGathered = 512;

  // So many values are copied at a time, whether as many are wanted or not.
  static constexpr size_t kAtOnce = 8;

  struct Gathered {
    const AgeScale* scale = nullptr;
    size_t size = 0;
    std::array<uint32_t, kGathered + kAtOnce> values;
  };

  static void Copy(absl::Span<const uint32_t> list, const uint32_t* end, uint32_t* to);

  void Count(size_t row);

  size_t columns_;
  std::vector<uint64_t> counts_;
  std::vector<Gathered> gathered_;  // by row; none if there are many rows
};

// Short ones: a call of memcpy costs as much. How many are left over after some times kAtOnce
// nobody foresees, so they are not counted: there is room for more.
inline void GatheredRows::Copy(absl::Span<const uint32_t> list, const uint32_t* end, uint32_t* to) {
  const uint32_t* const from = list.data();
  if (static_cast<size_t>(end - from) < list.size() + kAtOnce) {
    std::copy(list.begin(), list.end(), to);
    return;
  }
  for (size_t i = 0; i < list.size(); i += kAtOnce) {
    std::memcpy(to + i, from + i, kAtOnce * sizeof(uint32_t));
  }
}

inline void GatheredRows::Add(size_t row, const AgeScale& scale, absl::Span<const uint32_t> list,
                              const uint32_t* end) {
  if (gathered_.empty() || !scale.few_buckets() || list.size() > kGathered) {
    scale.AddSorted(list, counts_.data() + row * columns_);
    return;
  }
  Gathered& gathered = gathered_[row];
  if (gathered.scale != &scale || gathered.size + list.size() > kGathered) {
    Count(row);
    gathered.scale = &scale;
  }
  Copy(list, end, gathered.values.data() + gathered.size);
  gathered.size += list.size();
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_GATHERED_ROWS_H_
