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
// Copies share pages, until one of them changes. For one thread at a time; different threads may
// have copies.
class NameCounts {
 public:
  NameCounts() = default;
  NameCounts(NameCounts&&) = default;
  NameCounts& operator=(NameCounts&&) = default;

  void Add(uint32_t id, uint32_t count);
  // What was added before.
  void Subtract(uint32_t id, uint32_t count);
  NameCounts Share();

  // One more than the largest id that has a count, or a little more.
  size_t end() const { return pages_.size() * kIdsOfPage; }
  // Whether the page of the id `first` has counts.
  bool HasPage(size_t first) const {
    const size_t index = first / kIdsOfPage;
    return index < pages_.size() && pages_[index] != nullptr;
  }
  // Adds the counts of the ids from `first` on, as many as there are sums: whole pages.
  void AddTo(size_t first, absl::Span<uint64_t> sums) const;

  static constexpr size_t kIdsOfPage = 1024;

 private:
  struct Page {
    std::array<uint32_t, kIdsOfPage> counts{};
    uint32_t used = 0;    // of them above 0
    bool shared = false;  // it is a copy's, too, or was
  };

  std::vector<std::shared_ptr<Page>> pages_;  // null: no counts
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_NAME_COUNTS_H_
