// The ages of some arrivals.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SOURCES_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SOURCES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/query/age_scale.h"
#include "aggregator/query/counted_rows.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

// The first and the last of a block's arrivals, of which there are some.
std::pair<int64_t, int64_t> BoundsOf(const ArrivalColumn& arrivals);

// Ages in seconds; with none, the youngest is above the oldest.
struct AgeRange {
  int64_t youngest = std::numeric_limits<int64_t>::max();
  int64_t oldest = std::numeric_limits<int64_t>::min();

  bool empty() const { return youngest > oldest; }
  void Add(const AgeRange& other) {
    youngest = std::min(youngest, other.youngest);
    oldest = std::max(oldest, other.oldest);
  }
};

// Some arrivals, of the ages that count: of a piece, or of the fleet's sums.
struct AgeSource {
  const AgeScale* scale = nullptr;
  absl::Span<const uint32_t> narrow = {};
  absl::Span<const int64_t> wide = {};
  bool sorted = false;
  const ArrivalCounts* seconds = nullptr;  // not null: of those that the scale counts
  bool taken_off = false;                  // of the sums: they are among these
  // None is before the first or after the second; absent: not known.
  std::optional<std::pair<int64_t, int64_t>> bounds = {};

  // `bounds`, or what they are. The first is after the second if there are none.
  std::pair<int64_t, int64_t> Bounds() const;
  template <typename Use>
  void Visit(const Use& use) const {
    narrow.empty() ? use(wide) : use(narrow);
  }
};

// Adds what counts by this clock of a piece's arrivals. `bounds`: of all of them, if known.
void AddSources(const Piece& piece, const AgeScale& scale,
                const std::optional<std::pair<int64_t, int64_t>>& bounds, bool taken_off,
                std::vector<AgeSource>* sources);
// The same of some of them, by the piece's clock.
void AddSources(const Piece& piece, const RowArrivals& arrivals, std::vector<AgeSource>* sources);
// Adds all that the sums have.
void AddSources(const FleetSums& sums, const AgeScale& scale, std::vector<AgeSource>* sources);

// Beyond any age.
inline constexpr int64_t kOldestAge = int64_t{1} << 62;

// In seconds. A message from the future is 0 seconds old. Arrivals may be any number.
inline int64_t AgeOf(int64_t now_seconds, int64_t arrival) {
  int64_t age = 0;
  if (__builtin_sub_overflow(now_seconds, arrival, &age)) return arrival < 0 ? kOldestAge : 0;
  return std::clamp<int64_t>(age, 0, kOldestAge);
}

// The first and the last arrival whose age by this clock is in a range.
std::pair<int64_t, int64_t> ArrivalsOf(const AgeRange& range, int64_t now_seconds);

// Those of sorted arrivals.
template <typename Number>
absl::Span<const Number> Within(absl::Span<const Number> sorted, int64_t now_seconds,
                                const AgeRange& range) {
  const std::pair<int64_t, int64_t> arrivals = ArrivalsOf(range, now_seconds);
  const auto begin = std::partition_point(sorted.begin(), sorted.end(), [&](Number one) {
    return static_cast<int64_t>(one) < arrivals.first;
  });
  const auto end = std::partition_point(begin, sorted.end(), [&](Number one) {
    return static_cast<int64_t>(one) <= arrivals.second;
  });
  return sorted.subspan(static_cast<size_t>(begin - sorted.begin()),
                        static_cast<size_t>(end - begin));
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SOURCES_H_
