// How large a table may be.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_TABLE_LIMITS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_TABLE_LIMITS_H_

#include <cstddef>

#include "absl/status/status.h"

namespace fleetqshape {

// A table of more numbers is refused: on its way out it is there twice, 512 MB in all. The default
// question has 11 columns, so that it may have 3 million rows.
inline constexpr size_t kMaxTableNumbers = size_t{32} << 20;

// RESOURCE_EXHAUSTED, with what to do.
inline absl::Status CheckTableSize(size_t rows, size_t groups, size_t columns) {
  if (rows * groups <= kMaxTableNumbers / columns) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "the table would have too many numbers: ask for the first rows only (--rows), for fewer age "
      "columns (-b) or for fewer relays");
}

inline absl::Status CancelledError() {
  return absl::CancelledError("the caller does not wait for the answer any more");
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_TABLE_LIMITS_H_
