#include "aggregator/query/age_sources.h"

#include <cstddef>
#include <cstring>

namespace fleetqshape {
namespace {

// The least and the largest of values in any order.
template <typename Number>
std::pair<Number, Number> Extremes(absl::Span<const Number> values) {
  constexpr size_t kLanes = 4;
  typedef Number Lanes __attribute__((vector_size(kLanes * sizeof(Number))));
  Number least = values.front();
  Number most = least;
  Lanes lane_least = Lanes{} + least;
  Lanes lane_most = lane_least;
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    Lanes lanes;
    std::memcpy(&lanes, values.data() + i, sizeof lanes);
    lane_least = lanes < lane_least ? lanes : lane_least;
    lane_most = lanes > lane_most ? lanes : lane_most;
  }
  for (; i < values.size(); ++i) {
    least = std::min(least, values[i]);
    most = std::max(most, values[i]);
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    least = std::min<Number>(least, lane_least[lane]);
    most = std::max<Number>(most, lane_most[lane]);
  }
  return {least, most};
}

// Takes parts of a source that has them all.
template <typename Number>
void SetValues(absl::Span<const Number> values, AgeSource* source) {
  if constexpr (sizeof(Number) == sizeof(uint32_t)) {
    source->narrow = values;
  } else {
    source->wide = values;
  }
}

template <typename Number>
void AddSource(absl::Span<const Number> counted, bool sorted, const AgeScale& scale, bool taken_off,
               std::vector<AgeSource>* sources) {
  if (counted.empty()) return;
  AgeSource& source = sources->emplace_back();
  source.scale = &scale;
  source.sorted = sorted;
  source.taken_off = taken_off;
  SetValues(counted, &source);
}

}  // namespace

std::pair<int64_t, int64_t> BoundsOf(const ArrivalColumn& arrivals) {
  std::pair<int64_t, int64_t> bounds;
  arrivals.Visit([&](const auto values) { bounds = Extremes(values); });
  return bounds;
}

std::pair<int64_t, int64_t> AgeSource::Bounds() const {
  if (bounds) return *bounds;
  if (seconds != nullptr) return scale->Clamped(seconds->Bounds());
  std::pair<int64_t, int64_t> found;
  Visit([&](const auto values) {
    if (sorted) {
      found = {values.front(), values.back()};
    } else {
      found = Extremes(values);
    }
  });
  return found;
}

void AddSources(const Piece& piece, const AgeScale& scale,
                const std::optional<std::pair<int64_t, int64_t>>& bounds, bool taken_off,
                std::vector<AgeSource>* sources) {
  piece.block->arrivals.Visit([&](const auto values) {
    if (scale.counts_everything()) {
      AddSource(values, false, scale, taken_off, sources);
      sources->back().bounds = bounds;
      return;
    }
    for (size_t i = 0; i < piece.block->name_ids.size(); ++i) {
      AddSource(scale.Counted(ListOf(*piece.block, values, i)), true, scale, taken_off, sources);
    }
  });
}

void AddSources(const Piece& piece, const RowArrivals& arrivals, std::vector<AgeSource>* sources) {
  if (arrivals.count == RowArrivals::kWholeBlock) {
    AddSources(piece, *piece.scale, {}, false, sources);
    return;
  }
  piece.block->arrivals.Visit([&](const auto values) {
    AddSource(piece.scale->Counted(values.subspan(arrivals.first, arrivals.count)), true,
              *piece.scale, false, sources);
  });
}

std::pair<int64_t, int64_t> ArrivalsOf(const AgeRange& range, int64_t now_seconds) {
  std::pair<int64_t, int64_t> arrivals = {std::numeric_limits<int64_t>::min(),
                                          std::numeric_limits<int64_t>::max()};
  // What is to come is of age 0.
  if (range.youngest > 0) arrivals.second = now_seconds - range.youngest;
  if (range.oldest < kOldestAge) arrivals.first = now_seconds - range.oldest;
  return arrivals;
}

void AddSources(const FleetSums& sums, const AgeScale& scale, std::vector<AgeSource>* sources) {
  for (const ArrivalCounts& seconds : sums.seconds) {
    AgeSource& source = sources->emplace_back();
    source.scale = &scale;
    source.seconds = &seconds;
  }
}

}  // namespace fleetqshape
