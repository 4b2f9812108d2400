// Numbers by the ids of names, where most names have none.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_PAGED_COLUMN_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_PAGED_COLUMN_H_

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/ingest/name_counts.h"

namespace fleetqshape {

// So many pages are worth taking at a time.
inline constexpr size_t kPagesAtATime = 16;

// As many numbers as there are ids, all of them `kNone` at first; 1,024 ids to a page, as in
// NameCounts, and a page that nobody has written to takes no memory. So what a question takes
// depends on the names that it is about, and not on those that spam invents elsewhere. Different
// threads may read, and write to different pages.
template <typename Number, Number kNone = 0>
class PagedColumn {
 public:
  static constexpr size_t kIdsOfPage = NameCounts::kIdsOfPage;

  explicit PagedColumn(size_t size = 0) { Resize(size); }
  PagedColumn(PagedColumn&&) noexcept = default;
  PagedColumn& operator=(PagedColumn&&) noexcept = default;
  PagedColumn(const PagedColumn& other) : size_(other.size_) {
    for (const auto& page : other.pages_) {
      pages_.push_back(page == nullptr ? nullptr : std::make_unique<Page>(*page));
    }
  }

  size_t size() const { return size_; }
  // What is there stays.
  void Resize(size_t size) {
    size_ = size;
    pages_.resize(PagesOf(size));
  }
  static size_t PagesOf(size_t size) { return (size + kIdsOfPage - 1) / kIdsOfPage; }

  Number operator[](size_t id) const {
    const Page* const page = pages_[id / kIdsOfPage].get();
    return page == nullptr ? kNone : (*page)[id % kIdsOfPage];
  }
  // To be written to.
  Number& At(size_t id) { return PageAt(id / kIdsOfPage)[id % kIdsOfPage]; }

  size_t pages() const { return pages_.size(); }
  // The numbers of the ids from number * kIdsOfPage on; empty if nobody wrote to one of them. The
  // last page goes on beyond the last id.
  absl::Span<const Number> page(size_t number) const {
    return pages_[number] == nullptr ? absl::Span<const Number>() : *pages_[number];
  }
  // All kIdsOfPage of them, to be written to.
  absl::Span<Number> MakePage(size_t number) { return absl::MakeSpan(PageAt(number)); }

 private:
  using Page = std::array<Number, kIdsOfPage>;

  Page& PageAt(size_t number) {
    std::unique_ptr<Page>& page = pages_[number];
    if (page == nullptr) {
      page = std::make_unique_for_overwrite<Page>();
      page->fill(kNone);
    }
    return *page;
  }

  size_t size_ = 0;
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_PAGED_COLUMN_H_
