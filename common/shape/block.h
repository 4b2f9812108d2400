// The arrivals of all names of one queue and axis, as columns; and changes to them.
#ifndef FLEETQSHAPE_COMMON_SHAPE_BLOCK_H_
#define FLEETQSHAPE_COMMON_SHAPE_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/shape/arrival_column.h"

namespace fleetqshape {

// Columns by rising name id: name_ids[i] has the arrivals [offsets[i], offsets[i + 1]), rising
// seconds since the Unix epoch. No name is without arrivals. offsets has one entry more than
// name_ids (and is never empty). Nearly all arrivals take 4 bytes, and any are exact
// (ArrivalColumn). Blocks are kept as ApplyDelta and the codec make them: at most an eighth of a
// column is spare.
struct Block {
  std::vector<uint32_t> name_ids;
  std::vector<uint32_t> offsets = {0};
  ArrivalColumn arrivals;

  bool operator==(const Block& other) const = default;
};

// What a block's names gained and lost: two blocks of their own. A name may be in both.
struct BlockDelta {
  Block gained;
  Block lost;

  bool empty() const { return gained.name_ids.empty() && lost.name_ids.empty(); }
};

// Builds blocks. Names have to come in rising order.
class BlockBuilder {
 public:
  // Ends the name before and begins this one.
  void StartName(uint32_t name_id);
  // Arrivals have to come in rising order.
  void AddArrival(int64_t arrival) { block_.arrivals.push_back(arrival); }
  Block Finish();

 private:
  void EndName();

  Block block_;
  bool in_name_ = false;
};

// `base` with what `delta` gains and without what it loses. FAILED_PRECONDITION if something is
// lost that neither stands in `base` nor is gained by the same delta: the delta belongs to another
// state.
absl::StatusOr<Block> ApplyDelta(const Block& base, const BlockDelta& delta);

// The one delta that does what `first` and then `second` do. What one gains and the other loses
// cancels out.
BlockDelta CombineDeltas(const BlockDelta& first, const BlockDelta& second);
// The same for any number of them, in their order.
BlockDelta CombineDeltas(std::vector<BlockDelta> deltas);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_BLOCK_H_
