// The order of rows.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_ROW_ORDER_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_ROW_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/query/question.h"

namespace fleetqshape {

// A row that may be shown. What `id` means is its maker's affair.
struct RowCandidate {
  double key = 0;  // RowKeys: rows with larger ones come first
  uint32_t id = 0;
};

// What rows are ordered by, from what they count in each group. Immutable.
class RowKeys {
 public:
  // `totals`: TOTAL's counts, by group; not needed where the order is not one of shares.
  RowKeys(RowOrder order, size_t order_group, std::vector<uint64_t> totals);

  static bool NeedsTotals(RowOrder order) {
    return order == RowOrder::kShareDifference || order == RowOrder::kShareRatio;
  }

  // `sum`: of the counts.
  double KeyOf(absl::Span<const uint64_t> counts, uint64_t sum) const {
    return order_ == RowOrder::kTotal ? static_cast<double>(sum) : OtherKeyOf(counts);
  }
  // No counts with this sum have a larger key. Quick: most names have few arrivals.
  double MostKeyOf(uint64_t sum) const { return static_cast<double>(sum) * most_key_of_one_; }

 private:
  double OtherKeyOf(absl::Span<const uint64_t> counts) const;
  // Of the group's TOTAL.
  double ShareOf(absl::Span<const uint64_t> counts, size_t group) const;

  double ShareDifferenceOf(absl::Span<const uint64_t> counts) const;
  double RatioOf(absl::Span<const uint64_t> counts) const;

  RowOrder order_;
  size_t order_group_;
  std::vector<uint64_t> totals_;
  double most_key_of_one_;
};

// Keeps those of many candidates that may be among the first rows.
class FirstRows {
 public:
  // `max_rows` 0: all.
  explicit FirstRows(size_t max_rows) : max_rows_(max_rows) {}

  // Whether a row with such a key may be among them.
  bool Wants(double key) const { return !(key < least_); }
  void Offer(const RowCandidate& candidate) {
    if (!Wants(candidate.key)) return;
    candidates_.push_back(candidate);
    if (max_rows_ > 0 && candidates_.size() >= limit_) Prune();
  }
  // In no order; more than `max_rows` may be left.
  std::vector<RowCandidate> Take() { return std::move(candidates_); }

 private:
  void Prune();

  size_t max_rows_;
  double least_ = -std::numeric_limits<double>::infinity();  // that each of the first rows has
  size_t limit_ = 1024;
  std::vector<RowCandidate> candidates_;
};

// Puts the first `max_rows` candidates (0: all) into their order, and drops the others. `name_of`
// is asked where keys are equal.
void PutIntoOrder(RowOrder order, size_t max_rows,
                  const std::function<std::string_view(uint32_t id)>& name_of,
                  std::vector<RowCandidate>* candidates);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_ROW_ORDER_H_
