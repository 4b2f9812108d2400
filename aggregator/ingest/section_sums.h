// The sums of all relays' blocks of one queue and axis.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_SECTION_SUMS_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_SECTION_SUMS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/ingest/arrival_counts.h"
#include "aggregator/ingest/name_counts.h"
#include "common/shape/block.h"

namespace fleetqshape {

// The sums of one or more sections, as a question takes them.
struct FleetSums {
  // Beyond it the other sums may be wrong.
  static constexpr uint64_t kMostArrivals = UINT32_MAX;

  uint64_t arrivals = 0;
  // Of each section.
  std::vector<NameCounts> names;
  std::vector<ArrivalCounts> seconds;  // by the relays' own clocks
};

// For one thread at a time.
class SectionSums {
 public:
  // `fleet_ids`: the ids in FleetNames of the block's name ids.
  void Add(const Block& block, absl::Span<const uint32_t> fleet_ids);
  // What was added before, as this block or as others.
  void Subtract(const Block& block, absl::Span<const uint32_t> fleet_ids);

  void AddTo(FleetSums* sums);

 private:
  // Adds `sign`, 1 or -1, for each arrival.
  void Change(const Block& block, absl::Span<const uint32_t> fleet_ids, uint32_t sign);

  uint64_t arrivals_ = 0;
  NameCounts names_;
  ArrivalCounts seconds_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_SECTION_SUMS_H_
