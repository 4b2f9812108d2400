#include "aggregator/query/gathered_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fleetqshape {
namespace {

constexpr size_t kAtOnce = 8;

// Short ones: a call of memcpy costs as much. Where there are enough, the last ones are copied with
// some before them, once more: how many are left over nobody foresees.
void Copy(absl::Span<const uint32_t> from, uint32_t* to) {
  const size_t size = from.size();
  if (size < kAtOnce) {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
    return;
  }
  for (size_t i = 0; i < size - kAtOnce; i += kAtOnce) {
    std::memcpy(to + i, from.data() + i, kAtOnce * sizeof(uint32_t));
  }
  std::memcpy(to + size - kAtOnce, from.data() + size - kAtOnce, kAtOnce * sizeof(uint32_t));
}

}  // namespace

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
  Copy(sorted, gathered.values.data() + gathered.size);
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
