#include "aggregator/ingest/name_pages.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// What an allocation takes beside the bytes that were asked for, about.
constexpr size_t kAllocationBytes = 12;

}  // namespace

uint32_t NamePages::Add(std::string_view name, NameUse use, const Facts& facts) {
  std::set<uint32_t>& open = OpenPages(use);
  if (open.empty() || (!missing_.empty() && *missing_.begin() < *open.begin())) OpenPage(use);
  const uint32_t number = *open.begin();
  Page& page = *PagePlace(number);
  uint32_t slot = page.lowest_free;
  while (page.names[slot] != nullptr) ++slot;
  page.lowest_free = slot + 1;
  if (++page.used == kIdsOfPage) open.erase(open.begin());

  const auto length = static_cast<Length>(name.size());
  std::unique_ptr<char[]> stored(new char[sizeof length + name.size()]);
  std::memcpy(stored.get(), &length, sizeof length);
  if (!name.empty()) std::memcpy(stored.get() + sizeof length, name.data(), name.size());
  page.names[slot] = std::move(stored);
  page.hashes[slot] = facts.hash;
  page.index_hashes[slot] = facts.index_hash;
  page.parents[slot] = facts.parent;
  page.dotted[slot] = name.starts_with('.');
  page.counts[slot].store(1, std::memory_order_relaxed);
  return number * kIdsOfPage + slot;
}

size_t NamePages::Remove(uint32_t id) {
  const uint32_t number = id / kIdsOfPage;
  Page& page = PageOf(id);
  const uint32_t slot = id % kIdsOfPage;
  size_t bytes = sizeof(Length) + name(id).size() + kAllocationBytes;
  page.names[slot].reset();
  page.lowest_free = std::min(page.lowest_free, slot);
  if (page.used-- == kIdsOfPage) OpenPages(page.use).insert(number);
  if (page.used > 0) return bytes;
  ClosePage(number);
  return bytes + sizeof(Page);
}

size_t NamePages::end() const {
  if (pages_ == 0) return 0;
  const Page& last = *PagePlace(pages_ - 1);
  uint32_t slot = kIdsOfPage;
  while (last.names[slot - 1] == nullptr) --slot;
  return size_t{pages_ - 1} * kIdsOfPage + slot;
}

void NamePages::OpenPage(NameUse use) {
  uint32_t number = pages_;
  if (missing_.empty()) {
    if (pages_ == kMostIds / kIdsOfPage) {
      spdlog::critical("there are more names than ids for them");
      std::abort();
    }
    ++pages_;
  } else {
    number = *missing_.begin();
    missing_.erase(missing_.begin());
  }
  std::unique_ptr<Shelf>& shelf = shelves_[number / kPagesOfShelf];
  if (shelf == nullptr) shelf = std::make_unique<Shelf>();
  // Not cleared: what is not used takes no memory.
  PagePlace(number).reset(new Page);
  PagePlace(number)->use = use;
  OpenPages(use).insert(number);
}

void NamePages::ClosePage(uint32_t number) {
  OpenPages(PagePlace(number)->use).erase(number);
  PagePlace(number).reset();
  missing_.insert(number);
  while (pages_ > 0 && missing_.erase(pages_ - 1) > 0) --pages_;
}

}  // namespace fleetqshape
