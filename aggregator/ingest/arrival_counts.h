// How many arrivals there are at each second.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_ARRIVAL_COUNTS_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_ARRIVAL_COUNTS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/types/span.h"

namespace fleetqshape {

// Counts by seconds since the Unix epoch, of which any are possible, 4,096 to a page. A page takes
// 16 KB if many of its seconds have counts, else 8 bytes for each of them; so that odd arrivals,
// far from all others, take little. Counts are taken modulo 2^32: they are right as long as their
// sum is below.
//
// Copies share pages, until one of them changes. For one thread at a time; different threads may
// have copies.
class ArrivalCounts {
 public:
  ArrivalCounts() = default;
  ArrivalCounts(ArrivalCounts&&) = default;
  ArrivalCounts& operator=(ArrivalCounts&&) = default;

  // Adds `count` at each of the seconds, which are of uint32_t or int64_t, in any order, and may be
  // there more than once. As counts are modulo 2^32, -n takes off what n added.
  template <typename Second>
  void Add(absl::Span<const Second> seconds, uint32_t count);
  ArrivalCounts Share();

  // How many arrivals are not before `second`.
  uint64_t CountNotBefore(int64_t second) const;
  // No arrival is before the first or after the second; the first is after the second if there is
  // none.
  std::pair<int64_t, int64_t> Bounds() const;
  // Calls use(second, count) for each second from `first` to `last` that has a count, in no order.
  template <typename Use>
  void ForEach(int64_t first, int64_t last, const Use& use) const;

 private:
  static constexpr int kPageBits = 12;
  static constexpr size_t kSecondsOfPage = size_t{1} << kPageBits;
  // With more seconds a page is dense; and no longer with half as many.
  static constexpr uint32_t kFewSeconds = 128;
  using Counts = std::array<uint32_t, kSecondsOfPage>;

  // How many are looked up before the first of them is changed: by then it has come from memory.
  static constexpr size_t kAtATime = 64;

  struct Page {
    uint32_t* own = nullptr;         // `counts`, unless they are a copy's, too, or were
    std::shared_ptr<Counts> counts;  // null: `few` has them
    std::vector<std::pair<uint32_t, uint32_t>> few;  // rising seconds, and counts above 0
    uint32_t used = 0;                               // seconds with a count
    uint32_t sum = 0;
  };
  // By second / kSecondsOfPage, rounded down. Outside of Add none is without counts.
  using Pages = absl::node_hash_map<int64_t, Page>;

  // The same as Add, for no more than kAtATime.
  template <typename Second>
  void AddSome(absl::Span<const Second> seconds, uint32_t count);
  // The page, which is made if there is none.
  Page& PageOf(int64_t number) {
    Pages::value_type* const near = near_[static_cast<uint64_t>(number) % near_.size()];
    return near != nullptr && near->first == number ? near->second : FarPageOf(number);
  }
  Page& FarPageOf(int64_t number);
  static void AddToFew(uint32_t second, uint32_t count, Page* page);
  static void MakeDense(Page* page);
  static void MakeSparse(Page* page);
  // Makes the page sparse, or lets go of it, where it has few counts, or none.
  void ReturnMemory(int64_t number);

  Pages pages_;
  // Nearly all arrivals are of the same few days: pages by the low bits of their numbers, or null.
  std::array<Pages::value_type*, 128> near_ = {};
};

template <typename Use>
void ArrivalCounts::ForEach(int64_t first, int64_t last, const Use& use) const {
  for (const auto& [number, page] : pages_) {
    if (number < first >> kPageBits || number > last >> kPageBits) continue;
    const int64_t page_first = number * int64_t{kSecondsOfPage};
    for (const auto& [second, count] : page.few) {
      if (page_first + second >= first && page_first + second <= last) {
        use(page_first + second, count);
      }
    }
    if (page.counts == nullptr) continue;
    const int64_t begin = number > first >> kPageBits ? 0 : first - page_first;
    const int64_t end = number < last >> kPageBits ? kSecondsOfPage - 1 : last - page_first;
    for (int64_t i = begin; i <= end; ++i) {
      const uint32_t count = (*page.counts)[static_cast<size_t>(i)];
      if (count != 0) use(page_first + i, count);
    }
  }
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_ARRIVAL_COUNTS_H_
