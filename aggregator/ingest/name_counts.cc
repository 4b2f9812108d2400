#include "aggregator/ingest/name_counts.h"

namespace fleetqshape {

void NameCounts::Add(uint32_t id, uint32_t count) {
  const size_t index = id / kIdsOfPage;
  if (index >= pages_.size()) pages_.resize(index + 1);
  std::unique_ptr<Page>& page = pages_[index];
  if (page == nullptr) page = std::make_unique<Page>();
  uint32_t& sum = page->counts[id % kIdsOfPage];
  if (sum == 0) ++page->used;
  sum += count;
  if (sum == 0) --page->used;
}

void NameCounts::Subtract(uint32_t id, uint32_t count) {
  std::unique_ptr<Page>& page = pages_[id / kIdsOfPage];
  Add(id, -count);
  if (page->used > 0) return;
  page.reset();
  while (!pages_.empty() && pages_.back() == nullptr) pages_.pop_back();
  if (pages_.capacity() > 2 * pages_.size() + 64) pages_.shrink_to_fit();
}

void NameCounts::AddTo(absl::Span<uint32_t> totals) const {
  for (size_t i = 0; i < pages_.size(); ++i) {
    if (pages_[i] == nullptr) continue;
    uint32_t* const to = totals.data() + i * kIdsOfPage;
    const uint32_t* const from = pages_[i]->counts.data();
    for (size_t k = 0; k < kIdsOfPage; ++k) to[k] += from[k];
  }
}

}  // namespace fleetqshape
