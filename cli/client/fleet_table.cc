#include "cli/client/fleet_table.h"

namespace fleetqshape {
namespace {

// Of each row in `counts`, the sum over all groups.
template <typename Counts>
std::vector<uint64_t> SumGroups(const Counts& counts, size_t groups, size_t columns) {
  const size_t rows = static_cast<size_t>(counts.size()) / (groups * columns);
  std::vector<uint64_t> sums(rows * columns, 0);
  const auto* count = counts.data();
  for (size_t row = 0; row < rows; ++row) {
    for (size_t group = 0; group < groups; ++group) {
      for (size_t column = 0; column < columns; ++column) sums[row * columns + column] += *count++;
    }
  }
  return sums;
}

}  // namespace

Table SummedTable(const FleetTable& answer) {
  Table table;
  table.columns = answer.columns();
  table.total = SumGroups(answer.head.total(), answer.groups(), answer.columns());
  table.names = answer.names;
  table.counts = SumGroups(answer.counts, answer.groups(), answer.columns());
  return table;
}

}  // namespace fleetqshape
