// What a watched table had at one moment, and how much it grew since. A value.
#ifndef FLEETQSHAPE_CLI_WATCH_PICTURE_H_
#define FLEETQSHAPE_CLI_WATCH_PICTURE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "cli/output/fleet_table.h"

namespace fleetqshape {

// In what the table counts: recipients or messages.
struct Growth {
  enum class Kind {
    kUnknown,
    kExact,
    kAtLeast,  // the row was cut off then, and so had no more than the last that was not
  };
  Kind kind = Kind::kUnknown;
  int64_t count = 0;  // negative: it shrank

  bool operator==(const Growth&) const = default;
};

// "+1234", "-5", "0", ">=20", "-" if unknown.
std::string GrowthText(const Growth& growth);

class Picture {
 public:
  // `by_total`: the rows came by their sums, falling. Rows are summed over all groups.
  Picture(const FleetTable& table, bool by_total, int64_t monotonic_milliseconds);

  // Of the row with this name, which has `sum` now.
  Growth GrowthOf(std::string_view name, uint64_t sum) const;
  Growth TotalGrowth(uint64_t sum) const;
  int64_t monotonic_milliseconds() const { return monotonic_milliseconds_; }

 private:
  absl::flat_hash_map<std::string, uint64_t> sums_;
  uint64_t total_;
  // The most that a row may have had that is not there; UINT64_MAX: nothing is known of it.
  uint64_t most_of_others_;
  int64_t monotonic_milliseconds_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_PICTURE_H_
