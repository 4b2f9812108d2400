// A table as text, laid out as qshape does it.
#ifndef FLEETQSHAPE_COMMON_SHAPE_TABLE_TEXT_H_
#define FLEETQSHAPE_COMMON_SHAPE_TABLE_TEXT_H_

#include <string>

#include "common/shape/shape_table.h"
#include "common/shape/table_layout.h"

namespace fleetqshape {

// The whole table, each line ended by a newline. Rows are ordered by count (falling), then by the
// name's length in bytes, then by its bytes; TOTAL is ordered like any name.
std::string TableText(const Table& table, const TextOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_TABLE_TEXT_H_
