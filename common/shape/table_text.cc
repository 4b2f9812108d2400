#include "common/shape/table_text.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "common/base/printable.h"

namespace fleetqshape {
namespace {

// An absurd -w is no reason to ask for memory that may never be used.
constexpr size_t kMostReserved = size_t{64} << 20;

}  // namespace

std::string TableText(const Table& table, const TextOptions& options) {
  const TableLayout layout(table, options);
  const std::vector<TableRow> rows = ShownRows(table, options);
  std::string text;
  const size_t line = std::accumulate(layout.widths.begin(), layout.widths.end(),
                                      static_cast<size_t>(layout.name_width) + 1);
  text.reserve(std::min(line * (rows.size() + 1), kMostReserved));
  AppendName("", layout.name_width, options.raw_names, &text);
  for (size_t column = 0; column < table.columns; ++column) {
    AppendRightJustified(layout.heads[column], layout.widths[column], &text);
  }
  text.push_back('\n');
  for (const TableRow& row : rows) {
    if (options.raw_names) {
      AppendName(row.name, layout.name_width, true, &text);
    } else {
      AppendName(PrintableName(row.name), layout.name_width, false, &text);
    }
    for (size_t column = 0; column < table.columns; ++column) {
      AppendCount(row.counts[column], layout.widths[column], &text);
    }
    text.push_back('\n');
  }
  return text;
}

}  // namespace fleetqshape
