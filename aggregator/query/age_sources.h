// The ages of some arrivals.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SOURCES_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SOURCES_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/query/age_scale.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

// Some arrivals, of the ages that count: of a piece, or of the fleet's sums.
struct AgeSource {
  const AgeScale* scale = nullptr;
  absl::Span<const uint32_t> narrow = {};
  absl::Span<const int64_t> wide = {};
  bool sorted = false;
  const ArrivalCounts* seconds = nullptr;  // not null: of those that the scale counts
  bool taken_off = false;                  // of the sums: they are among these

  uint64_t size() const {
    return seconds != nullptr ? scale->Count(*seconds) : narrow.size() + wide.size();
  }
  template <typename Use>
  void Visit(const Use& use) const {
    narrow.empty() ? use(wide) : use(narrow);
  }
};

// Adds what counts of a piece's arrivals by this clock: of one of the block's names, or of all
// (RowArrivals::kWholeBlock).
void AddSources(const Piece& piece, const AgeScale& scale, uint32_t name, bool taken_off,
                std::vector<AgeSource>* sources);
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

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SOURCES_H_
