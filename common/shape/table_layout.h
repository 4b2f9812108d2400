// Where things stand in qshape's table: what its text and a coloured one are both made with.
#ifndef FLEETQSHAPE_COMMON_SHAPE_TABLE_LAYOUT_H_
#define FLEETQSHAPE_COMMON_SHAPE_TABLE_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/perl_number.h"
#include "common/shape/shape_table.h"

namespace fleetqshape {

// What the layout depends on. The bucket values are those that the table was counted with.
struct TextOptions {
  double width = 80;                                        // -w, in columns
  double bucket_count = 10;                                 // -b
  PerlNumber bucket_minutes = PerlNumber::FromUnsigned(5);  // -t, as the heads show it
  bool linear = false;                                      // -l
  double top_rows = 0;      // at most this many rows, TOTAL being one of them; 0: all
  bool raw_names = false;   // names as the bytes that they are; else escaped (base/printable.h)
  bool keep_order = false;  // TOTAL, then the rows as they are; else as TableText says
};

// The heads of so many columns: T, and the age in minutes that each bucket ends at.
std::vector<std::string> TableHeads(size_t columns, const TextOptions& options);

struct TableLayout {
  TableLayout(const Table& table, const TextOptions& options);

  std::vector<std::string> heads;
  std::vector<size_t> widths;  // of the columns of counts
  double name_width = 0;       // in bytes
};

struct TableRow {
  uint64_t total;  // counts[0], at hand for sorting
  std::string_view name;
  const uint64_t* counts;
};

// The rows to be shown, in their order. They point into `table`.
std::vector<TableRow> ShownRows(const Table& table, const TextOptions& options);

// `name` in `width` bytes, or cut at the left and marked. `raw`: bytes; else it is printable, and
// stays UTF-8 when it is cut.
void AppendName(std::string_view name, double width, bool raw, std::string* out);
void AppendRightJustified(std::string_view text, size_t width, std::string* out);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_TABLE_LAYOUT_H_
