// The row TOTAL of all names.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_TOTAL_ROW_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_TOTAL_ROW_H_

#include <cstdint>
#include <vector>

#include "aggregator/query/parallel.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

// The relays of one group that go by one clock, where these have more than half of the arrivals of
// the whole fleet and its sums are known: they have what is left of the sums when all others are
// taken off, which is less work than to look at what they have.
struct MostOfFleet {
  uint32_t group = Piece::kNoGroup;  // kNoGroup: there are none
  const AgeScale* scale = nullptr;

  bool Has(const Piece& piece) const { return piece.group == group && piece.scale == scale; }
};
MostOfFleet FindMost(const Scan& scan);

// By groups, by columns.
std::vector<uint64_t> CountTotal(const Scan& scan, const Crew& crew);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_TOTAL_ROW_H_
