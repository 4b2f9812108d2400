#include "aggregator/query/gathered_rows.h"

#include <utility>

namespace fleetqshape {

GatheredRows::GatheredRows(size_t rows, size_t columns)
    : columns_(columns), counts_(rows * columns, 0), gathered_(rows <= kMostRows ? rows : 0) {}

void GatheredRows::Add(size_t row, const AgeScale& scale, absl::Span<const int64_t> list,
                       const int64_t* /*end*/) {
  scale.AddSorted(list, counts_.data() + row * columns_);
}

void GatheredRows::Count(size_t row) {
  Gathered& gathered = gathered_[row];
  if (gathered.size == 0) return;
  gathered.scale->AddUnsorted(absl::MakeConstSpan(gathered.values.data(), gathered.size),
                              counts_.data() + row * columns_);
  gathered.size = 0;
}

std::vector<uint64_t> GatheredRows::Take() {
  for (size_t row = 0; row < gathered_.size(); ++row) Count(row);
  return std::move(counts_);
}

}  // namespace fleetqshape
