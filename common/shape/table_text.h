// A table as text, laid out as qshape does it.
#ifndef FLEETQSHAPE_COMMON_SHAPE_TABLE_TEXT_H_
#define FLEETQSHAPE_COMMON_SHAPE_TABLE_TEXT_H_

#include <string>

#include "common/base/perl_number.h"
#include "common/shape/shape_table.h"

namespace fleetqshape {

// What the layout depends on. The bucket values are those that the table was counted with.
struct TextOptions {
  double width = 80;                                        // -w, in columns
  double bucket_count = 10;                                 // -b
  PerlNumber bucket_minutes = PerlNumber::FromUnsigned(5);  // -t, as the heads show it
  bool linear = false;                                      // -l
  double top_rows = 0;     // at most this many rows, TOTAL being one of them; 0: all
  bool raw_names = false;  // names as the bytes that they are; else escaped (base/printable.h)
};

// The whole table, each line ended by a newline. Rows are ordered by count (falling), then by the
// name's length in bytes, then by its bytes; TOTAL is ordered like any name.
std::string TableText(const Table& table, const TextOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_TABLE_TEXT_H_
