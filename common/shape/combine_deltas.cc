#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "common/shape/block.h"
#include "common/shape/block_view.h"

namespace fleetqshape {
namespace {

template <typename Second>
using Arrivals = absl::Span<const Second>;

// Takes the elements that equal `value` off the front.
template <typename Second>
size_t TakeEqual(Second value, Arrivals<Second>* arrivals) {
  size_t count = 0;
  while (count < arrivals->size() && (*arrivals)[count] == value) ++count;
  arrivals->remove_prefix(count);
  return count;
}

// A side of a delta that is being combined.
template <typename Second>
class DeltaSource {
 public:
  explicit DeltaSource(const Block& block) : view_(block), cursor_(block) {}

  uint64_t name_id() const { return cursor_.name_id(); }
  // The arrivals of `name_id`, and moves on, if it stands there; else none.
  Arrivals<Second> Take(uint64_t name_id) {
    const ArrivalRange range = cursor_.Take(cursor_.name_id() == name_id ? 1 : 0);
    return {view_.arrivals().data() + range.begin, range.size()};
  }

 private:
  const BlockView<Second> view_;
  NameCursor cursor_;
};

// A side of a delta that is being built, by rising name id.
template <typename Second>
class DeltaSide {
 public:
  DeltaSide(const Block& first, const Block& second) {
    const size_t names = first.name_ids.size() + second.name_ids.size();
    const size_t arrivals = first.arrivals.size() + second.arrivals.size();
    name_ids_ = std::make_unique_for_overwrite<uint32_t[]>(names + 1);
    offsets_ = std::make_unique_for_overwrite<uint32_t[]>(names + 2);
    arrivals_ = std::make_unique_for_overwrite<Second[]>(arrivals + 1);
    offsets_[0] = 0;
  }
  // A name that has one arrival, if `count` is 1, or, if it is 0, none.
  void AddName(uint64_t name_id, Second arrival, size_t count) {
    arrivals_[size_] = arrival;
    size_ += count;
    name_ids_[names_] = static_cast<uint32_t>(name_id);
    names_ += count;
    offsets_[names_] = static_cast<uint32_t>(size_);
  }
  void Add(Arrivals<Second> arrivals) {
    std::copy(arrivals.begin(), arrivals.end(), arrivals_.get() + size_);
    size_ += arrivals.size();
  }
  void Add(size_t count, Second arrival) {
    std::fill_n(arrivals_.get() + size_, count, arrival);
    size_ += count;
  }
  void EndName(uint64_t name_id) {
    if (size_ == offsets_[names_]) return;
    name_ids_[names_] = static_cast<uint32_t>(name_id);
    offsets_[++names_] = static_cast<uint32_t>(size_);
  }
  Block Finish() {
    Block block;
    block.name_ids.assign(name_ids_.get(), name_ids_.get() + names_);
    block.offsets.assign(offsets_.get(), offsets_.get() + names_ + 1);
    block.arrivals = ArrivalColumn(std::vector<Second>(arrivals_.get(), arrivals_.get() + size_));
    return block;
  }

 private:
  // Each has room for one element more than can count.
  std::unique_ptr<uint32_t[]> name_ids_;
  std::unique_ptr<uint32_t[]> offsets_;
  std::unique_ptr<Second[]> arrivals_;
  size_t names_ = 0;
  size_t size_ = 0;  // arrivals
};

// Appends what one name gains and loses in two deltas, less what is both gained and lost.
template <typename Second>
void AppendCombined(std::array<Arrivals<Second>, 2> gains, std::array<Arrivals<Second>, 2> losses,
                    DeltaSide<Second>* gained, DeltaSide<Second>* lost) {
  for (;;) {
    // What one delta alone has to say needs no comparison.
    const bool no_losses = losses[0].empty() && losses[1].empty();
    if (no_losses && (gains[0].empty() || gains[1].empty())) {
      gained->Add(gains[0]);
      gained->Add(gains[1]);
      return;
    }
    if (gains[0].empty() && gains[1].empty() && (losses[0].empty() || losses[1].empty())) {
      lost->Add(losses[0]);
      lost->Add(losses[1]);
      return;
    }
    Second next = std::numeric_limits<Second>::max();
    for (const Arrivals<Second>& arrivals : {gains[0], gains[1], losses[0], losses[1]}) {
      if (!arrivals.empty()) next = std::min(next, arrivals.front());
    }
    const size_t more = TakeEqual(next, &gains[0]) + TakeEqual(next, &gains[1]);
    const size_t less = TakeEqual(next, &losses[0]) + TakeEqual(next, &losses[1]);
    if (more > less) gained->Add(more - less, next);
    if (less > more) lost->Add(less - more, next);
  }
}

template <typename Second>
BlockDelta Combine(const BlockDelta& first, const BlockDelta& second) {
  DeltaSide<Second> gained(first.gained, second.gained);
  DeltaSide<Second> lost(first.lost, second.lost);
  DeltaSource<Second> gained_first(first.gained);
  DeltaSource<Second> gained_second(second.gained);
  DeltaSource<Second> lost_first(first.lost);
  DeltaSource<Second> lost_second(second.lost);
  for (;;) {
    const uint64_t name_id = Least(Least(gained_first.name_id(), gained_second.name_id()),
                                   Least(lost_first.name_id(), lost_second.name_id()));
    if (name_id == kNoName) break;
    const Arrivals<Second> gains_first = gained_first.Take(name_id);
    const Arrivals<Second> gains_second = gained_second.Take(name_id);
    const Arrivals<Second> losses_first = lost_first.Take(name_id);
    const Arrivals<Second> losses_second = lost_second.Take(name_id);
    const size_t gains = gains_first.size() + gains_second.size();
    const size_t losses = losses_first.size() + losses_second.size();
    if (gains + losses == 1) {
      // Most names. Which one it is nobody foresees: no branch depends on it.
      const Second* arrival = gains_first.data();
      arrival = gains_second.empty() ? arrival : gains_second.data();
      arrival = losses_first.empty() ? arrival : losses_first.data();
      arrival = losses_second.empty() ? arrival : losses_second.data();
      gained.AddName(name_id, *arrival, gains);
      lost.AddName(name_id, *arrival, losses);
      continue;
    }
    AppendCombined<Second>({gains_first, gains_second}, {losses_first, losses_second}, &gained,
                           &lost);
    gained.EndName(name_id);
    lost.EndName(name_id);
  }
  return {gained.Finish(), lost.Finish()};
}

}  // namespace

BlockDelta CombineDeltas(const BlockDelta& first, const BlockDelta& second) {
  return IsNarrow(first) && IsNarrow(second) ? Combine<uint32_t>(first, second)
                                             : Combine<int64_t>(first, second);
}

BlockDelta CombineDeltas(std::vector<BlockDelta> deltas) {
  if (deltas.empty()) return {};
  // Neighbours in pairs, so that each change is looked at as often as the number can be halved.
  for (size_t count = deltas.size(); count > 1; count = (count + 1) / 2) {
    for (size_t i = 0; i < count / 2; ++i) {
      deltas[i] = CombineDeltas(deltas[2 * i], deltas[2 * i + 1]);
    }
    if (count % 2 == 1) deltas[count / 2] = std::move(deltas[count - 1]);
  }
  return std::move(deltas.front());
}

}  // namespace fleetqshape
