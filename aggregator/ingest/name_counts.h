// How many arrivals each name of the fleet has.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_NAME_COUNTS_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_NAME_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"

namespace fleetqshape {

// Counts by the ids of FleetNames, 1,024 ids to a page; a page without counts takes no memory.
// Counts are taken modulo 2^32: they are right as long as their sum is below.
//
// For one thread at a time.
class NameCounts {
 public:
  void Add(uint32_t id, uint32_t count);
  // What was added before.
  void Subtract(uint32_t id, uint32_t count);

  // One more than the largest id that has a count, or a little more.
  size_t end() const { return pages_.size() * kIdsOfPage; }
  // Adds them to the sums of ids from 0 to end(), or beyond.
  void AddTo(absl::Span<uint32_t> sums) const;

 private:
  static constexpr uint32_t kIdsOfPage = 1024;

  struct Page {
    std::array<uint32_t, kIdsOfPage> counts{};
    uint32_t used = 0;  // of them above 0
  };

  std::vector<std::unique_ptr<Page>> pages_;  // null: no counts
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_NAME_COUNTS_H_
