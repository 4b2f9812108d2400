#include "cli/watch/picture.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace fleetqshape {
namespace {

Growth Between(uint64_t before, uint64_t now) {
  return {Growth::Kind::kExact, static_cast<int64_t>(now - before)};
}

uint64_t MostOfOthers(const FleetTable& table, bool by_total) {
  if (table.head.rows() <= table.names.size()) return 0;
  return by_total && !table.names.empty() ? table.RowSum(table.names.size() - 1) : UINT64_MAX;
}

}  // namespace

std::string GrowthText(const Growth& growth) {
  switch (growth.kind) {
    case Growth::Kind::kUnknown:
      return "-";
    case Growth::Kind::kAtLeast:
      return absl::StrCat(">=", growth.count);
    case Growth::Kind::kExact:
      break;
  }
  return absl::StrCat(growth.count > 0 ? "+" : "", growth.count);
}

Picture::Picture(const FleetTable& table, bool by_total, int64_t monotonic_milliseconds)
    : total_(table.TotalSum()),
      most_of_others_(MostOfOthers(table, by_total)),
      monotonic_milliseconds_(monotonic_milliseconds) {
  for (size_t row = 0; row < table.names.size(); ++row) sums_[table.names[row]] = table.RowSum(row);
}

Growth Picture::GrowthOf(std::string_view name, uint64_t sum) const {
  const auto found = sums_.find(absl::string_view(name.data(), name.size()));
  if (found != sums_.end()) return Between(found->second, sum);
  if (most_of_others_ == 0) return Between(0, sum);
  if (sum <= most_of_others_) return {};
  return {Growth::Kind::kAtLeast, static_cast<int64_t>(sum - most_of_others_)};
}

Growth Picture::TotalGrowth(uint64_t sum) const { return Between(total_, sum); }

}  // namespace fleetqshape
