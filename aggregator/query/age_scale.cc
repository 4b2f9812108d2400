#include "aggregator/query/age_scale.h"

#include <algorithm>
#include <array>
#include <limits>

namespace fleetqshape {
namespace {

// Beyond any age, and far from the ends of an int64_t.
constexpr int64_t kMostSeconds = int64_t{1} << 54;

// Shorter lists are not worth setting registers up.
constexpr size_t kShortList = 6;

// Arrivals of ages below `age_seconds` come at or after it.
int64_t ArrivalAfter(int64_t now_seconds, int64_t age_seconds) {
  return now_seconds - std::clamp(age_seconds, -kMostSeconds, kMostSeconds) + 1;
}

std::vector<int64_t> Shifted(std::vector<int64_t> edges, int64_t now_seconds) {
  for (int64_t& edge : edges) {
    if (edge != std::numeric_limits<int64_t>::min()) edge += now_seconds;
  }
  return edges;
}

std::vector<int64_t> ThresholdsOf(const std::vector<int64_t>& edges, bool everything, int64_t first,
                                  int64_t end) {
  if (everything) return edges;
  std::vector<int64_t> thresholds = {end};
  for (const int64_t edge : edges) thresholds.push_back(std::clamp(edge, first, end));
  return thresholds;
}

}  // namespace

AgeScale::AgeScale(int64_t now_seconds, size_t columns, const std::vector<int64_t>& edges,
                   const AgeWindow& window)
    : now_seconds_(now_seconds),
      columns_(columns),
      counts_everything_(window.everything()),
      first_(window.max_seconds ? ArrivalAfter(now_seconds, *window.max_seconds)
                                : std::numeric_limits<int64_t>::min()),
      end_(std::max(first_, window.min_seconds ? ArrivalAfter(now_seconds, *window.min_seconds)
                                               : std::numeric_limits<int64_t>::max())),
      edges_(Shifted(edges, now_seconds)),
      thresholds_(ThresholdsOf(edges_, counts_everything_, first_, end_)) {}

std::pair<int64_t, int64_t> AgeScale::Clamped(std::pair<int64_t, int64_t> arrivals) const {
  if (counts_everything_) return arrivals;
  return {std::max(arrivals.first, first_), std::min(arrivals.second, end_ - 1)};
}

template <typename Number>
absl::Span<const Number> AgeScale::Counted(absl::Span<const Number> sorted) const {
  if (counts_everything_) return sorted;
  const auto first_from = [&](size_t from, int64_t edge) {
    if (sorted.size() - from <= kShortList) {
      while (from < sorted.size() && static_cast<int64_t>(sorted[from]) < edge) ++from;
      return from;
    }
    const auto below = [edge](Number arrival) { return static_cast<int64_t>(arrival) < edge; };
    const auto found = std::partition_point(sorted.begin() + static_cast<std::ptrdiff_t>(from),
                                            sorted.end(), below);
    return static_cast<size_t>(found - sorted.begin());
  };
  const size_t begin = first_from(0, first_);
  return sorted.subspan(begin, first_from(begin, end_) - begin);
}

void AgeScale::AddNotBelow(const uint64_t* counts, uint64_t* row) const {
  const size_t first = counts_everything_ ? 0 : 1;
  const uint64_t beyond = counts_everything_ ? 0 : counts[0];
  uint64_t younger = beyond;
  for (size_t k = first; k < thresholds_.size(); ++k) {
    const size_t bucket = k - first + 1;
    if (bucket < columns_) row[bucket] += counts[k] - younger;
    younger = counts[k];
  }
  row[0] += younger - beyond;
}

void AgeScale::AddSeconds(const ArrivalCounts& arrivals, uint64_t* row) const {
  std::vector<uint64_t> counts;
  for (size_t k = 0; k < thresholds_.size(); ++k) {
    counts.push_back(arrivals.CountNotBefore(thresholds_[k]));
  }
  AddNotBelow(counts.data(), row);
}

template <typename Number>
void AgeScale::AddUnsorted(absl::Span<const Number> arrivals, uint64_t* row) const {
  std::array<uint64_t, kFewThresholds> counts;
  std::fill_n(counts.begin(), thresholds_.size(), 0);
  thresholds_.CountNotBelow(arrivals, counts.data());
  AddNotBelow(counts.data(), row);
}

template <typename Number>
void AgeScale::AddSorted(absl::Span<const Number> arrivals, uint64_t* row) const {
  if (few_buckets() && arrivals.size() > kShortList) {
    AddUnsorted(arrivals, row);
  } else {
    WalkSorted(Counted(arrivals), row);
  }
}

size_t AgeScale::BucketOf(int64_t arrival, size_t oldest) const {
  if (few_buckets()) {
    while (oldest > 1 && arrival >= edges_[oldest - 2]) --oldest;
    return oldest;
  }
  const auto end = edges_.begin() + static_cast<std::ptrdiff_t>(oldest) - 1;
  const auto found =
      std::partition_point(edges_.begin(), end, [arrival](int64_t edge) { return edge > arrival; });
  return static_cast<size_t>(found - edges_.begin()) + 1;
}

template <typename Number>
void AgeScale::WalkSorted(absl::Span<const Number> counted, uint64_t* row) const {
  // Arrivals rise, so buckets fall.
  size_t bucket = edges_.size();
  for (auto arrival = counted.begin(); arrival != counted.end();) {
    bucket = BucketOf(static_cast<int64_t>(*arrival), bucket);
    // All arrivals up to the next edge are in this bucket.
    auto next = counted.end();
    if (bucket > 1 && counted.size() > kShortList) {
      next = std::partition_point(arrival, counted.end(), [edge = edges_[bucket - 2]](Number one) {
        return static_cast<int64_t>(one) < edge;
      });
    } else if (bucket > 1) {
      next = arrival + 1;
      while (next != counted.end() && static_cast<int64_t>(*next) < edges_[bucket - 2]) ++next;
    }
    const auto count = static_cast<uint64_t>(next - arrival);
    row[0] += count;
    if (bucket < columns_) row[bucket] += count;
    arrival = next;
  }
}

template absl::Span<const uint32_t> AgeScale::Counted(absl::Span<const uint32_t>) const;
template absl::Span<const int64_t> AgeScale::Counted(absl::Span<const int64_t>) const;
template void AgeScale::AddUnsorted(absl::Span<const uint32_t>, uint64_t*) const;
template void AgeScale::AddUnsorted(absl::Span<const int64_t>, uint64_t*) const;
template void AgeScale::AddSorted(absl::Span<const uint32_t>, uint64_t*) const;
template void AgeScale::AddSorted(absl::Span<const int64_t>, uint64_t*) const;

}  // namespace fleetqshape
