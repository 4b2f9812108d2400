// Where a few names stand in relays' tables and blocks.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_FEW_NAMES_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_FEW_NAMES_H_

#include <array>
#include <cstddef>
#include <cstdint>
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
  // id: `all` looks for all of them; without it the search ends soon after so many were found as
  // there are names.
  void FindIn(absl::Span<const uint32_t> fleet_ids, bool all, std::vector<Found>* found) const;

 private:
  // Few enough for the nearest cache.
  static constexpr size_t kPlaces = 8192;
  static constexpr uint8_t kNone = 0;
  static constexpr uint8_t kSeveral = 255;

  void Look(uint32_t fleet_id, size_t name_id, std::vector<Found>* found) const;

  std::vector<uint32_t> ids_;
  std::vector<std::pair<uint32_t, uint32_t>> sorted_;  // ids, and which of the few they are
  // By an id's low bits: one more than which of the few has them; or kSeveral: more than one do, or
  // its number is too large.
  std::array<uint8_t, kPlaces> places_ = {};
};

// One of a few names in a block.
struct FoundInBlock {
  uint32_t name = 0;   // which of the few
  uint32_t index = 0;  // which of the block's
};
// Those of a relay's names, by rising ids, that a block of the relay has.
void FindInBlock(const Block& block, absl::Span<const FewNames::Found> found,
                 std::vector<FoundInBlock>* in_block);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_FEW_NAMES_H_
