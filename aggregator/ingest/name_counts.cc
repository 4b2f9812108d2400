#include "aggregator/ingest/name_counts.h"

namespace fleetqshape {

void NameCounts::MakeOwn(Page* page) {
  page->counts = page->counts == nullptr ? std::make_shared<Counts>()
                                         : std::make_shared<Counts>(*page->counts);
  page->own = page->counts->data();
}

inline uint32_t* NameCounts::CountOf(uint32_t id) {
  const size_t index = id / kIdsOfPage;
  if (index >= pages_.size()) pages_.resize(index + 1);
  Page& page = pages_[index];
  if (page.own == nullptr) MakeOwn(&page);
  return page.own + id % kIdsOfPage;
}

void NameCounts::Add(absl::Span<const uint32_t> ids, absl::Span<const uint32_t> counts) {
  for (size_t i = 0; i < ids.size(); i += kAtATime) {
    AddSome(ids.subspan(i, kAtATime), counts.subspan(i, kAtATime));
  }
}

void NameCounts::AddSome(absl::Span<const uint32_t> ids, absl::Span<const uint32_t> counts) {
  std::array<uint32_t*, kAtATime> sums;
  for (size_t i = 0; i < ids.size(); ++i) {
    sums[i] = CountOf(ids[i]);
    __builtin_prefetch(sums[i], 1);
  }
  bool emptied = false;
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint32_t before = *sums[i];
    const uint32_t after = before + counts[i];
    *sums[i] = after;
    if (before != 0 && after != 0) continue;
    uint32_t& used = pages_[ids[i] / kIdsOfPage].used;
    used += static_cast<uint32_t>(after != 0) - static_cast<uint32_t>(before != 0);
    emptied |= used == 0;
  }
  if (emptied) ReturnMemory(ids);
}

void NameCounts::ReturnMemory(absl::Span<const uint32_t> ids) {
  for (const uint32_t id : ids) {
    Page& page = pages_[id / kIdsOfPage];
    if (page.used == 0) page = Page();
  }
  while (!pages_.empty() && pages_.back().counts == nullptr) pages_.pop_back();
  if (pages_.capacity() > 2 * pages_.size() + 64) pages_.shrink_to_fit();
}

NameCounts NameCounts::Share() {
  for (Page& page : pages_) page.own = nullptr;
  NameCounts copy;
  copy.pages_ = pages_;
  return copy;
}

void NameCounts::AddTo(size_t first, absl::Span<uint64_t> sums) const {
  for (size_t i = 0; i < sums.size(); i += kIdsOfPage) {
    if (!HasPage(first + i)) continue;
    const uint32_t* const counts = pages_[(first + i) / kIdsOfPage].counts->data();
    uint64_t* const to = sums.data() + i;
    // Of a known length: the compiler adds several at a time.
    for (size_t k = 0; k < kIdsOfPage; ++k) to[k] += counts[k];
  }
}

}  // namespace fleetqshape
