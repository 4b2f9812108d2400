// What work on blocks is made of, for ApplyDelta and CombineDeltas only.
//
// It is written for both widths of the arrivals, `Second`: uint32_t where all blocks at hand are
// narrow, as nearly all are, else int64_t for all of them.
#ifndef FLEETQSHAPE_COMMON_SHAPE_BLOCK_VIEW_H_
#define FLEETQSHAPE_COMMON_SHAPE_BLOCK_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "absl/types/span.h"
#include "common/shape/block.h"

namespace fleetqshape {

inline bool IsNarrow(const BlockDelta& delta) {
  return delta.gained.arrivals.narrow() && delta.lost.arrivals.narrow();
}

// A block and its arrivals in the width that is asked for, copied if it has them in the other. The
// block outlives it.
template <typename Second>
class BlockView {
 public:
  explicit BlockView(const Block& block) : block_(block) {
    if constexpr (std::is_same_v<Second, uint32_t>) {
      arrivals_ = block.arrivals.narrow_values();
    } else if (!block.arrivals.narrow()) {
      arrivals_ = block.arrivals.wide_values();
    } else {
      const absl::Span<const uint32_t> narrow = block.arrivals.narrow_values();
      widened_.assign(narrow.begin(), narrow.end());
      arrivals_ = widened_;
    }
  }
  BlockView(const BlockView&) = delete;
  BlockView& operator=(const BlockView&) = delete;

  absl::Span<const uint32_t> name_ids() const { return block_.name_ids; }
  const uint32_t* offsets() const { return block_.offsets.data(); }
  absl::Span<const Second> arrivals() const { return arrivals_; }

 private:
  const Block& block_;
  std::vector<int64_t> widened_;
  absl::Span<const Second> arrivals_;
};

inline constexpr uint64_t kNoName = std::numeric_limits<uint64_t>::max();

// Without a branch: which one it is nobody foresees.
inline uint64_t Least(uint64_t a, uint64_t b) { return b ^ ((a ^ b) & -uint64_t{a < b}); }

// Which arrivals of a block.
struct ArrivalRange {
  uint32_t begin;
  uint32_t end;

  uint32_t size() const { return end - begin; }
};

// Walks over the names of a block, which outlives it, in their order.
class NameCursor {
 public:
  explicit NameCursor(const Block& block)
      : ids_(block.name_ids.data()), offsets_(block.offsets.data()), size_(block.name_ids.size()) {}

  uint64_t name_id() const { return index_ != size_ ? ids_[index_] : kNoName; }
  // The arrivals of the name that the cursor stands on, and moves on, if `here` is 1; else, if it
  // is 0, none. Which it is nobody foresees: no branch depends on it.
  ArrivalRange Take(size_t here) {
    const uint32_t begin = offsets_[index_];
    index_ += here;
    return {begin, offsets_[index_]};
  }

 private:
  const uint32_t* ids_;
  const uint32_t* offsets_;
  size_t size_;
  size_t index_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_BLOCK_VIEW_H_
