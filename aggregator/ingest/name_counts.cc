#include "aggregator/ingest/name_counts.h"

namespace fleetqshape {

void NameCounts::Add(uint32_t id, uint32_t count) {
  const size_t index = id / kIdsOfPage;
  if (index >= pages_.size()) pages_.resize(index + 1);
  std::shared_ptr<Page>& page = pages_[index];
  if (page == nullptr) {
    page = std::make_shared<Page>();
  } else if (page->shared) {
    page = std::make_shared<Page>(*page);
    page->shared = false;
  }
  uint32_t& sum = page->counts[id % kIdsOfPage];
  if (sum == 0) ++page->used;
  sum += count;
  if (sum == 0) --page->used;
}

void NameCounts::Subtract(uint32_t id, uint32_t count) {
  Add(id, -count);
  std::shared_ptr<Page>& page = pages_[id / kIdsOfPage];
  if (page->used > 0) return;
  page.reset();
  while (!pages_.empty() && pages_.back() == nullptr) pages_.pop_back();
  if (pages_.capacity() > 2 * pages_.size() + 64) pages_.shrink_to_fit();
}

NameCounts NameCounts::Share() {
  for (const std::shared_ptr<Page>& page : pages_) {
    if (page != nullptr && !page->shared) page->shared = true;
  }
  NameCounts copy;
  copy.pages_ = pages_;
  return copy;
}

void NameCounts::AddTo(size_t first, absl::Span<uint64_t> sums) const {
  for (size_t i = 0; i < sums.size(); i += kIdsOfPage) {
    if (!HasPage(first + i)) continue;
    const uint32_t* const counts = pages_[(first + i) / kIdsOfPage]->counts.data();
    uint64_t* const to = sums.data() + i;
    // Of a known length: the compiler adds several at a time.
    for (size_t k = 0; k < kIdsOfPage; ++k) to[k] += counts[k];
  }
}

}  // namespace fleetqshape
