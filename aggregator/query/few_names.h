// Where a few names stand in relays' tables and blocks.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_FEW_NAMES_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_FEW_NAMES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "common/shape/block.h"

namespace fleetqshape {

// Finds them by looking through all names of a relay, at the speed at which memory gives them.
// Immutable.
class FewNames {
 public:
  // With more of them, most looks would need a second one.
  static constexpr size_t kMost = 256;

  // Different ids of FleetNames, kMost or fewer.
  explicit FewNames(absl::Span<const uint32_t> ids);

  struct Found {
    uint32_t name = 0;     // which of the few
    uint32_t name_id = 0;  // the relay's
  };
  // What the relay's table has of them, by rising ids. An agent may have given a name more than one
  // id: `all` looks for all of them; without it the search ends when each name was found.
  std::vector<Found> FindIn(absl::Span<const uint32_t> fleet_ids, bool all) const;

 private:
  // Few enough for the nearest cache.
  static constexpr size_t kPlaces = 8192;

  std::vector<std::pair<uint32_t, uint32_t>> sorted_;  // ids, and which of the few they are
  std::array<uint8_t, kPlaces> may_be_ = {};           // 1: one has these low bits
};

// Finds names in a block, by rising ids.
class NameFinder {
 public:
  // `block` outlives it.
  explicit NameFinder(const Block& block) : name_ids_(block.name_ids) {}

  // Which of the block's names has this id, which is above those that were looked for before.
  std::optional<uint32_t> Find(uint32_t name_id);

 private:
  const std::vector<uint32_t>& name_ids_;
  uint32_t id_ = 0;      // the last one that was looked for,
  size_t position_ = 0;  // and where the first one is that is not below
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_FEW_NAMES_H_
