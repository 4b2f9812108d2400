#include "common/shape/table_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

// An absurd -w is no reason to ask for memory that may never be used.
constexpr size_t kMostReserved = size_t{64} << 20;

// The counts of a row and the line's end. Most counts are 0: a line of these is copied, and the
// others are written over it.
class CountsText {
 public:
  explicit CountsText(absl::Span<const size_t> widths) : widths_(widths) {
    for (const size_t width : widths_) AppendRightJustified("0", width, &zeros_);
    zeros_.push_back('\n');
  }

  void Append(const uint64_t* counts, std::string* out) const {
    const size_t begin = out->size();
    out->append(zeros_);
    char* column = out->data() + begin;
    for (size_t i = 0; i < widths_.size(); ++i) {
      char* digit = column + widths_[i];
      for (uint64_t left = counts[i]; left > 0; left /= 10) {
        if (digit == column) {
          out->resize(begin);
          AppendWide(counts, out);
          return;
        }
        *--digit = static_cast<char>('0' + left % 10);
      }
      column += widths_[i];
    }
  }

 private:
  // A column is as wide as TOTAL's count; but who answered may have sent a larger one.
  void AppendWide(const uint64_t* counts, std::string* out) const {
    for (size_t i = 0; i < widths_.size(); ++i)
      AppendRightJustified(std::to_string(counts[i]), widths_[i], out);
    out->push_back('\n');
  }

  absl::Span<const size_t> widths_;
  std::string zeros_;
};

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
  const CountsText counts(layout.widths);
  for (const TableRow& row : rows) {
    if (options.raw_names) {
      AppendName(row.name, layout.name_width, true, &text);
    } else {
      AppendName(PrintableName(row.name), layout.name_width, false, &text);
    }
    counts.Append(row.counts, &text);
  }
  return text;
}

}  // namespace fleetqshape
