#include "aggregator/ingest/arrival_counts.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace fleetqshape {

void ArrivalCounts::MakeDense(Page* page) {
  page->counts = std::make_shared<Counts>();
  page->shared = false;
  for (const auto& [second, count] : page->few) (*page->counts)[second] = count;
  page->few = {};
}

void ArrivalCounts::MakeSparse(Page* page) {
  for (uint32_t second = 0; second < kSecondsOfPage; ++second) {
    if ((*page->counts)[second] != 0) page->few.emplace_back(second, (*page->counts)[second]);
  }
  page->counts.reset();
}

void ArrivalCounts::AddToFew(uint32_t second, uint32_t count, Page* page) {
  for (auto& one : page->few) {
    if (one.first != second) continue;
    one.second += count;
    if (one.second == 0) {
      one = page->few.back();
      page->few.pop_back();
    }
    return;
  }
  page->few.emplace_back(second, count);
}

void ArrivalCounts::AddToPage(uint32_t second, uint32_t count, Page* page) {
  if (count == 0) return;
  page->sum += count;
  if (page->counts == nullptr) {
    AddToFew(second, count, page);
    page->used = static_cast<uint32_t>(page->few.size());
    if (page->used > kFewSeconds) MakeDense(page);
    return;
  }
  if (page->shared) {
    page->counts = std::make_shared<Counts>(*page->counts);
    page->shared = false;
  }
  uint32_t& sum = (*page->counts)[second];
  if (sum == 0) ++page->used;
  sum += count;
  if (sum == 0 && --page->used < kFewSeconds / 2) MakeSparse(page);
}

ArrivalCounts::Page& ArrivalCounts::PageOf(int64_t number) {
  Page*& near = near_[static_cast<uint64_t>(number) % near_.size()];
  if (near == nullptr || near->number != number) {
    near = &pages_[number];
    near->number = number;
  }
  return *near;
}

void ArrivalCounts::Add(int64_t arrival, uint32_t count) {
  if (count == 0) return;
  AddToPage(static_cast<uint32_t>(arrival & (kSecondsOfPage - 1)), count,
            &PageOf(arrival >> kPageBits));
}

void ArrivalCounts::Subtract(int64_t arrival, uint32_t count) {
  const int64_t number = arrival >> kPageBits;
  Page& page = PageOf(number);
  AddToPage(static_cast<uint32_t>(arrival & (kSecondsOfPage - 1)), -count, &page);
  if (page.used > 0) return;
  near_[static_cast<uint64_t>(number) % near_.size()] = nullptr;
  pages_.erase(number);
}

ArrivalCounts ArrivalCounts::Share() {
  ArrivalCounts copy;
  for (auto& [number, page] : pages_) page.shared = true;
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
