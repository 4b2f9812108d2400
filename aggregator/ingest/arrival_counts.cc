#include "aggregator/ingest/arrival_counts.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace fleetqshape {

void ArrivalCounts::MakeDense(Page* page) {
  if (page->counts != nullptr) {
    page->counts = std::make_shared<Counts>(*page->counts);
  } else {
    page->counts = std::make_shared<Counts>();
    for (const auto& [second, count] : page->few) (*page->counts)[second] = count;
    page->few = {};
  }
  page->own = page->counts->data();
}

void ArrivalCounts::MakeSparse(Page* page) {
  for (uint32_t second = 0; second < kSecondsOfPage; ++second) {
    if ((*page->counts)[second] != 0) page->few.emplace_back(second, (*page->counts)[second]);
  }
  page->counts.reset();
  page->own = nullptr;
}

void ArrivalCounts::AddToFew(uint32_t second, uint32_t count, Page* page) {
  const auto one = std::lower_bound(page->few.begin(), page->few.end(), second,
                                    [](const auto& few, uint32_t to) { return few.first < to; });
  if (one == page->few.end() || one->first != second) {
    page->few.emplace(one, second, count);
    return;
  }
  one->second += count;
  if (one->second == 0) page->few.erase(one);
}

ArrivalCounts::Page& ArrivalCounts::FarPageOf(int64_t number) {
  Pages::value_type& page = *pages_.try_emplace(number).first;
  near_[static_cast<uint64_t>(number) % near_.size()] = &page;
  return page.second;
}

void ArrivalCounts::ReturnMemory(int64_t number) {
  const auto found = pages_.find(number);
  if (found == pages_.end()) return;
  Page& page = found->second;
  if (page.used == 0) {
    near_[static_cast<uint64_t>(number) % near_.size()] = nullptr;
    pages_.erase(found);
  } else if (page.counts != nullptr && page.used < kFewSeconds / 2) {
    MakeSparse(&page);
  }
}

template <typename Second>
void ArrivalCounts::AddSome(absl::Span<const Second> seconds, uint32_t count) {
  // Of those whose pages are dense, and stay so for now.
  std::array<uint32_t*, kAtATime> counts;
  std::array<Page*, kAtATime> pages;
  size_t dense = 0;
  bool thinned = false;
  for (const Second second : seconds) {
    const auto place = static_cast<uint32_t>(second & Second{kSecondsOfPage - 1});
    Page& page = PageOf(static_cast<int64_t>(second >> kPageBits));
    page.sum += count;
    if (page.own == nullptr) {
      if (page.counts == nullptr) {
        AddToFew(place, count, &page);
        page.used = static_cast<uint32_t>(page.few.size());
        thinned |= page.used == 0;
        if (page.used > kFewSeconds) MakeDense(&page);
        continue;
      }
      MakeDense(&page);
    }
    counts[dense] = page.own + place;
    pages[dense] = &page;
    __builtin_prefetch(counts[dense], 1);
    ++dense;
  }
  for (size_t i = 0; i < dense; ++i) {
    const uint32_t before = *counts[i];
    const uint32_t after = before + count;
    *counts[i] = after;
    if (before != 0 && after != 0) continue;
    uint32_t& used = pages[i]->used;
    used += static_cast<uint32_t>(after != 0) - static_cast<uint32_t>(before != 0);
    thinned |= used < kFewSeconds / 2;
  }
  if (!thinned) return;
  for (const Second second : seconds) ReturnMemory(static_cast<int64_t>(second >> kPageBits));
}

template <typename Second>
void ArrivalCounts::Add(absl::Span<const Second> seconds, uint32_t count) {
  if (count == 0) return;
  for (size_t i = 0; i < seconds.size(); i += kAtATime) {
    AddSome(seconds.subspan(i, kAtATime), count);
  }
}

template void ArrivalCounts::Add(absl::Span<const uint32_t> seconds, uint32_t count);
template void ArrivalCounts::Add(absl::Span<const int64_t> seconds, uint32_t count);

ArrivalCounts ArrivalCounts::Share() {
  ArrivalCounts copy;
  for (auto& [number, page] : pages_) page.own = nullptr;
  copy.pages_ = pages_;
  return copy;
}

std::pair<int64_t, int64_t> ArrivalCounts::Bounds() const {
  std::pair<int64_t, int64_t> bounds = {std::numeric_limits<int64_t>::max(),
                                        std::numeric_limits<int64_t>::min()};
  for (const auto& [number, page] : pages_) {
    const int64_t first = number * int64_t{kSecondsOfPage};
    bounds.first = std::min(bounds.first, first);
    bounds.second = std::max(bounds.second, first + (int64_t{kSecondsOfPage} - 1));
  }
  return bounds;
}

uint64_t ArrivalCounts::CountNotBefore(int64_t second) const {
  const int64_t number = second >> kPageBits;
  uint64_t count = 0;
  for (const auto& [index, page] : pages_) {
    if (index > number) count += page.sum;
  }
  const auto found = pages_.find(number);
  if (found == pages_.end()) return count;
  const auto first = static_cast<uint32_t>(second & (kSecondsOfPage - 1));
  for (const auto& [at, few] : found->second.few) count += at >= first ? few : 0;
  if (found->second.counts == nullptr) return count;
  const Counts& counts = *found->second.counts;
  return std::accumulate(counts.begin() + first, counts.end(), count);
}

}  // namespace fleetqshape
