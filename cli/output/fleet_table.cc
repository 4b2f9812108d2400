#include "cli/output/fleet_table.h"

#include <utility>

namespace fleetqshape {
namespace {

// More than any aggregator sends (AgeBuckets::kMaxBucketCount and the sum); a product of these and
// of a message's rows is far from overflowing.
constexpr uint32_t kMaxColumns = 1'000'000;
constexpr int kMaxGroups = 1'000'000;

absl::Status NoSense() { return absl::DataLossError("the sizes of its parts do not fit"); }

absl::Status CheckHead(v1::TableHead* head) {
  // An aggregator of before there were groups.
  if (head->groups_size() == 0) head->add_groups()->set_relays(head->coverage().relays());
  const auto groups = static_cast<size_t>(head->groups_size());
  const auto ages = static_cast<size_t>(head->oldest_ages_size());
  if (head->columns() == 0 || head->columns() > kMaxColumns || head->groups_size() > kMaxGroups ||
      static_cast<size_t>(head->total_size()) != groups * head->columns() ||
      (ages != 0 && ages != groups) || static_cast<size_t>(head->median_ages_size()) != ages) {
    return NoSense();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FleetTable::Append(v1::TableResponse* response) {
  if (response->has_head()) {
    if (columns() != 0) return NoSense();
    if (absl::Status valid = CheckHead(response->mutable_head()); !valid.ok()) return valid;
    head = std::move(*response->mutable_head());
  }
  const size_t cells = static_cast<size_t>(response->names_size()) * groups();
  const size_t ages = has_ages() ? cells : 0;
  if (head.columns() == 0 || static_cast<size_t>(response->counts_size()) != cells * columns() ||
      static_cast<size_t>(response->median_ages_size()) != ages ||
      static_cast<size_t>(response->oldest_ages_size()) != ages) {
    return NoSense();
  }
  for (std::string& name : *response->mutable_names()) names.push_back(std::move(name));
  counts.insert(counts.end(), response->counts().begin(), response->counts().end());
  median_ages.insert(median_ages.end(), response->median_ages().begin(),
                     response->median_ages().end());
  oldest_ages.insert(oldest_ages.end(), response->oldest_ages().begin(),
                     response->oldest_ages().end());
  return absl::OkStatus();
}

absl::Status FleetTable::Finish() const {
  return head.columns() == 0 ? absl::DataLossError("it has no head") : absl::OkStatus();
}

GroupRow FleetTable::row(size_t row, size_t group) const {
  const size_t cell = row * groups() + group;
  return {counts.data() + cell * columns(), has_ages() ? median_ages[cell] : -1,
          has_ages() ? oldest_ages[cell] : -1};
}

GroupRow FleetTable::total(size_t group) const {
  const int index = static_cast<int>(group);
  return {head.total().data() + group * columns(), has_ages() ? head.median_ages(index) : -1,
          has_ages() ? head.oldest_ages(index) : -1};
}

uint64_t FleetTable::RowSum(size_t row) const {
  uint64_t sum = 0;
  for (size_t group = 0; group < groups(); ++group) sum += this->row(row, group).counts[0];
  return sum;
}

uint64_t FleetTable::TotalSum() const {
  uint64_t sum = 0;
  for (size_t group = 0; group < groups(); ++group) sum += total(group).counts[0];
  return sum;
}

FleetTable AnswerOf(Table table) {
  FleetTable answer;
  answer.head.set_columns(static_cast<uint32_t>(table.columns));
  answer.head.mutable_total()->Add(table.total.begin(), table.total.end());
  answer.head.add_groups();
  answer.head.set_rows(table.names.size());
  answer.names = std::move(table.names);
  answer.counts = std::move(table.counts);
  return answer;
}

Table TableOfGroup(FleetTable answer, size_t group) {
  Table table;
  table.columns = answer.columns();
  const uint64_t* total = answer.total(group).counts;
  table.total.assign(total, total + table.columns);
  if (answer.groups() == 1) {
    table.counts = std::move(answer.counts);
  } else {
    table.counts.reserve(answer.names.size() * table.columns);
    for (size_t row = 0; row < answer.names.size(); ++row) {
      const uint64_t* counts = answer.row(row, group).counts;
      table.counts.insert(table.counts.end(), counts, counts + table.columns);
    }
  }
  table.names = std::move(answer.names);
  return table;
}

}  // namespace fleetqshape
