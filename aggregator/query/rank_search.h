// Finds ages by their rank.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_RANK_SEARCH_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_RANK_SEARCH_H_

#include <cstdint>
#include <vector>

#include "aggregator/query/age_sources.h"
#include "aggregator/query/parallel.h"

namespace fleetqshape {

// Finds the age of a rank among all ages of some sources, without putting them into order: counts
// them in parts of their range, then those of one part in parts of that. If the question is
// cancelled meanwhile, what it finds means nothing.
class RankSearch {
 public:
  // Both outlive the search. Without a crew it is done in the caller's thread alone.
  RankSearch(const std::vector<AgeSource>* sources, const Crew* crew)
      : sources_(*sources), crew_(crew) {}

  // The range of all ages, or more where some are taken off.
  AgeRange Range() const;
  // Of the ages that are in `range`: the one that so many are not above of and that comes next.
  // There are more than `rank`.
  int64_t Find(const AgeRange& range, uint64_t rank) const;
  // The oldest of all ages, of which there are `count`, one at least; they are in `range`.
  int64_t FindOldest(const AgeRange& range, uint64_t count) const;

 private:
  class Parts;

  Parts CountParts(const AgeRange& range) const;
  size_t workers() const { return crew_ == nullptr ? 1 : crew_->workers(); }
  void AskForSource(size_t index) const;
  template <typename Use>
  void ForEachSource(const Use& use) const;

  const std::vector<AgeSource>& sources_;
  const Crew* const crew_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_RANK_SEARCH_H_
