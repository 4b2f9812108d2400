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

  // Adds counts[i] to the count of ids[i]; an id may be there more than once. As counts are modulo
  // 2^32, -n takes off what n added.
  void Add(absl::Span<const uint32_t> ids, absl::Span<const uint32_t> counts);
  NameCounts Share();

  // One more than the largest id that has a count, or a little more.
  size_t end() const { return pages_.size() * kIdsOfPage; }
  // Whether the page of the id `first` has counts.
  bool HasPage(size_t first) const {
    const size_t index = first / kIdsOfPage;
    return index < pages_.size() && pages_[index].counts != nullptr;
  }
  // Adds the counts of the ids from `first` on, as many as there are sums: whole pages.
  void AddTo(size_t first, absl::Span<uint64_t> sums) const;

  static constexpr size_t kIdsOfPage = 1024;

 private:
  // How many are looked up before the first of them is changed: by then it has come from memory.
  static constexpr size_t kAtATime = 64;

  using Counts = std::array<uint32_t, kIdsOfPage>;
  struct Page {
    uint32_t* own = nullptr;         // the counts, unless they are a copy's, too, or were
    std::shared_ptr<Counts> counts;  // null: all are 0
    uint32_t used = 0;               // of them above 0
  };

  void AddSome(absl::Span<const uint32_t> ids, absl::Span<const uint32_t> counts);
  uint32_t* CountOf(uint32_t id);
  static void MakeOwn(Page* page);
  // Lets go of pages without counts, among those of the ids.
  void ReturnMemory(absl::Span<const uint32_t> ids);

  std::vector<Page> pages_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_NAME_COUNTS_H_
