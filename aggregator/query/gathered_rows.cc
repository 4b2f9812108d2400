#include "aggregator/query/gathered_rows.h"

#include <algorithm>
#include <utility>

namespace fleetqshape {

GatheredRows::GatheredRows(size_t rows, size_t columns)
    : columns_(columns), counts_(rows * columns, 0), gathered_(rows <= kMostRows ? rows : 0) {}

void GatheredRows::Add(size_t row, const AgeScale& scale, absl::Span<const uint32_t> sorted) {
  if (gathered_.empty() || !scale.few_buckets() || sorted.size() > kGathered) {
    scale.AddSorted(sorted, counts_.data() + row * columns_);
    return;
  }
  Gathered& gathered = gathered_[row];
  if (gathered.scale != &scale || gathered.size + sorted.size() > kGathered) {
    Count(row);
    gathered.scale = &scale;
  }
  uint32_t* const end = gathered.values.data() + gathered.size;
  for (size_t i = 0; i < sorted.size(); ++i) end[i] = sorted[i];
  gathered.size += sorted.size();
}

void GatheredRows::Add(size_t row, const AgeScale& scale, absl::Span<const int64_t> sorted) {
  scale.AddSorted(sorted, counts_.data() + row * columns_);
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
