#include "cli/client/verdict.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "cli/output/figures.h"

namespace fleetqshape {
namespace {

uint64_t TotalOf(const v1::TableHead& head) {
  uint64_t total = 0;
  for (int i = 0; head.columns() > 0 && i < head.total_size();
       i += static_cast<int>(head.columns())) {
    total += head.total(i);
  }
  return total;
}

uint64_t OldestOf(const v1::TableHead& head) {
  int64_t oldest = 0;
  for (const int64_t age : head.oldest_ages()) oldest = std::max(oldest, age);
  return static_cast<uint64_t>(oldest);
}

}  // namespace

Verdict VerdictOf(const CliOptions& options, const v1::TableHead& head) {
  Verdict verdict;
  const v1::Coverage& coverage = head.coverage();
  if (options.strict && (coverage.fresh() < coverage.relays() || !coverage.problem().empty())) {
    verdict.exit_status = kExitIncomplete;
    verdict.lines.emplace_back("--strict: this is not the present state of every relay");
  }
  for (const Threshold& threshold : options.fail_if) {
    const bool of_total = threshold.figure == Threshold::Figure::kTotal;
    // No messages have no age, not even 0.
    if (!of_total && TotalOf(head) == 0) continue;
    const uint64_t value = of_total ? TotalOf(head) : OldestOf(head);
    if (threshold.reached_counts ? value < threshold.limit : value <= threshold.limit) continue;
    verdict.exit_status = kExitThreshold;
    verdict.lines.push_back(
        absl::StrCat("--fail-if ", threshold.text, ": it is ",
                     of_total ? absl::StrCat(value) : DurationText(static_cast<int64_t>(value))));
  }
  return verdict;
}

}  // namespace fleetqshape
