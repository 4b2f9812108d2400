#include "aggregator/query/row_order.h"

#include <algorithm>
#include <limits>

namespace fleetqshape {

RowKeys::RowKeys(RowOrder order, size_t order_group, std::vector<uint64_t> totals)
    : order_(order),
      order_group_(order_group),
      totals_(std::move(totals)),
      most_key_of_one_(std::numeric_limits<double>::infinity()) {
  if (order_ == RowOrder::kTotal || order_ == RowOrder::kGroup) most_key_of_one_ = 1;
  if (order_ != RowOrder::kShareDifference) return;
  // All of them in the group where one is the largest share; and what rounding may add.
  constexpr double kRounding = 1 + 1e-12;
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (const uint64_t total : totals_) {
    if (total > 0) least = std::min(least, total);
  }
  most_key_of_one_ = kRounding / static_cast<double>(least);
}

double RowKeys::ShareOf(absl::Span<const uint64_t> counts, size_t group) const {
  if (totals_[group] == 0) return 0;
  return static_cast<double>(counts[group]) / static_cast<double>(totals_[group]);
}

// As if each group had one message more: else what a single message made infinite came first.
double RowKeys::RatioOf(absl::Span<const uint64_t> counts) const {
  double largest = 0;
  double smallest = std::numeric_limits<double>::infinity();
  for (size_t group = 0; group < counts.size(); ++group) {
    const double share =
        static_cast<double>(counts[group] + 1) / static_cast<double>(totals_[group] + 1);
    largest = std::max(largest, share);
    smallest = std::min(smallest, share);
  }
  return largest / smallest;
}

double RowKeys::ShareDifferenceOf(absl::Span<const uint64_t> counts) const {
  double largest = 0;
  double smallest = std::numeric_limits<double>::infinity();
  for (size_t group = 0; group < counts.size(); ++group) {
    const double share = ShareOf(counts, group);
    largest = std::max(largest, share);
    smallest = std::min(smallest, share);
  }
  return largest - smallest;
}

double RowKeys::OtherKeyOf(absl::Span<const uint64_t> counts) const {
  switch (order_) {
    case RowOrder::kTotal:  // KeyOf
    case RowOrder::kName:
      return 0;
    case RowOrder::kShareDifference:
      return ShareDifferenceOf(counts);
    case RowOrder::kGroup:
      return static_cast<double>(counts[order_group_]);
    case RowOrder::kShareRatio:
      return RatioOf(counts);
  }
  return 0;
}

void FirstRows::Prune() {
  if (candidates_.size() > max_rows_) {
    const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(max_rows_) - 1;
    std::nth_element(candidates_.begin(), last, candidates_.end(),
                     [](const RowCandidate& a, const RowCandidate& b) { return a.key > b.key; });
    least_ = last->key;
    std::erase_if(candidates_, [this](const RowCandidate& one) { return one.key < least_; });
  }
  limit_ = std::max(limit_, 2 * candidates_.size());
}

void PutIntoOrder(RowOrder order, size_t max_rows,
                  const std::function<std::string_view(uint32_t)>& name_of,
                  std::vector<RowCandidate>* candidates) {
  const auto before = [&](const RowCandidate& a, const RowCandidate& b) {
    if (a.key != b.key) return a.key > b.key;
    const std::string_view a_name = name_of(a.id);
    const std::string_view b_name = name_of(b.id);
    if (order != RowOrder::kName && a_name.size() != b_name.size()) {
      return a_name.size() < b_name.size();
    }
    return a_name < b_name;
  };
  if (max_rows == 0 || max_rows >= candidates->size()) {
    std::sort(candidates->begin(), candidates->end(), before);
    return;
  }
  const auto end = candidates->begin() + static_cast<std::ptrdiff_t>(max_rows);
  std::partial_sort(candidates->begin(), end, candidates->end(), before);
  candidates->erase(end, candidates->end());
}

}  // namespace fleetqshape
