#include "common/shape/block.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace fleetqshape {
namespace {

// What works on blocks is written for both widths of their arrivals, `Second`: uint32_t where all
// blocks at hand are narrow, as nearly all are, else int64_t for all of them.
template <typename Second>
using Arrivals = absl::Span<const Second>;

bool IsNarrow(const BlockDelta& delta) {
  return delta.gained.arrivals.narrow() && delta.lost.arrivals.narrow();
}

// A block and its arrivals in the width that is asked for, copied if it has them in the other.
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

  const std::vector<uint32_t>& name_ids() const { return block_.name_ids; }
  const std::vector<uint32_t>& offsets() const { return block_.offsets; }
  Arrivals<Second> arrivals() const { return arrivals_; }
  // The arrivals of name `index`.
  Arrivals<Second> arrivals_of(size_t index) const {
    const size_t begin = block_.offsets[index];
    return arrivals_.subspan(begin, block_.offsets[index + 1] - begin);
  }

 private:
  const Block& block_;
  std::vector<int64_t> widened_;
  Arrivals<Second> arrivals_;
};

constexpr uint64_t kNoName = std::numeric_limits<uint64_t>::max();

// Walks over the names of a block in their order.
template <typename Second>
class NameCursor {
 public:
  explicit NameCursor(const Block& block) : view_(block) {}

  uint64_t name_id() const {
    return index_ < view_.name_ids().size() ? view_.name_ids()[index_] : kNoName;
  }
  // The arrivals of `name_id` if the cursor stands on it, and moves on; else none.
  Arrivals<Second> Take(uint64_t name_id) {
    if (this->name_id() != name_id) return {};
    return view_.arrivals_of(index_++);
  }

 private:
  BlockView<Second> view_;
  size_t index_ = 0;
};

// The first of the sorted [begin, end) that is not less than `value`. Quick if it is not far.
template <typename Number>
const Number* FirstNotLess(const Number* begin, const Number* end, Number value) {
  ptrdiff_t step = 1;
  while (step < end - begin && begin[step] < value) {
    begin += step;
    step *= 2;
  }
  return std::lower_bound(begin, begin + std::min(step, end - begin), value);
}

// Appends [begin, end), for which there is room.
template <typename Second>
void Append(const Second* begin, const Second* end, std::vector<Second>* out) {
  if (end - begin > 16) {
    out->insert(out->end(), begin, end);
    return;
  }
  for (; begin != end; ++begin) out->push_back(*begin);
}

// Takes the elements that equal `value` off the front.
template <typename Second>
size_t TakeEqual(Second value, Arrivals<Second>* arrivals) {
  size_t count = 0;
  while (count < arrivals->size() && (*arrivals)[count] == value) ++count;
  arrivals->remove_prefix(count);
  return count;
}

// Appends the arrivals of a name that changes. False if it loses what it does not have. What lies
// between two changes is copied in one go: a large domain has far more arrivals than changes.
template <typename Second>
bool AppendChanged(Arrivals<Second> old, Arrivals<Second> gains, Arrivals<Second> losses,
                   std::vector<Second>* out) {
  while (!gains.empty() || !losses.empty()) {
    const Second next = gains.empty()    ? losses.front()
                        : losses.empty() ? gains.front()
                                         : std::min(gains.front(), losses.front());
    const Second* const reached = FirstNotLess(old.begin(), old.end(), next);
    Append(old.begin(), reached, out);
    old.remove_prefix(static_cast<size_t>(reached - old.begin()));
    const size_t had = TakeEqual(next, &old) + TakeEqual(next, &gains);
    const size_t lost = TakeEqual(next, &losses);
    if (lost > had) return false;
    for (size_t i = lost; i < had; ++i) out->push_back(next);
  }
  Append(old.begin(), old.end(), out);
  return true;
}

// Blocks are kept, thousands of them, and never change: an eighth may be spare.
void LimitSpare(std::vector<uint32_t>* column) {
  if (column->capacity() - column->size() > column->size() / 8) column->shrink_to_fit();
}

// Builds the block that a delta leads to, by rising name id.
template <typename Second>
class DeltaApplier {
 public:
  // `arrivals` is how many the block will have.
  DeltaApplier(const Block& base, size_t gained_names, size_t arrivals) : base_(base) {
    result_.name_ids.reserve(base.name_ids.size() + gained_names);
    result_.offsets.reserve(base.name_ids.size() + gained_names + 1);
    arrivals_.reserve(arrivals);
  }

  // The names of the base below `name_id` stay as they are.
  void CopyUntil(uint64_t name_id) {
    const uint32_t* const ids = base_.name_ids().data();
    const uint32_t* const begin = ids + index_;
    const uint32_t* end = ids + base_.name_ids().size();
    if (name_id != kNoName) {
      end = FirstNotLess(begin, end, static_cast<uint32_t>(name_id));
    }
    if (begin == end) return;
    const auto count = static_cast<size_t>(end - begin);
    const uint32_t* const old_offsets = base_.offsets().data() + index_;
    // Modulo 2^32: the block may have grown or shrunk up to here.
    const uint32_t shift = static_cast<uint32_t>(arrivals_.size()) - old_offsets[0];
    result_.name_ids.insert(result_.name_ids.end(), begin, end);
    const Second* const arrivals = base_.arrivals().data();
    Append(arrivals + old_offsets[0], arrivals + old_offsets[count], &arrivals_);
    const size_t filled = result_.offsets.size();
    result_.offsets.resize(filled + count);
    uint32_t* const offsets = result_.offsets.data() + filled;
    for (size_t i = 0; i < count; ++i) offsets[i] = old_offsets[i + 1] + shift;
    index_ += count;
  }

  // The next name, which the base may or may not have. False if it loses what it does not have.
  bool Change(uint32_t name_id, Arrivals<Second> gains, Arrivals<Second> losses) {
    Arrivals<Second> old;
    if (index_ < base_.name_ids().size() && base_.name_ids()[index_] == name_id) {
      old = base_.arrivals_of(index_++);
    }
    if (!AppendChanged(old, gains, losses, &arrivals_)) return false;
    if (arrivals_.size() == result_.offsets.back()) return true;  // nothing is left of it
    result_.name_ids.push_back(name_id);
    result_.offsets.push_back(static_cast<uint32_t>(arrivals_.size()));
    return true;
  }

  Block Finish() {
    LimitSpare(&result_.name_ids);
    LimitSpare(&result_.offsets);
    result_.arrivals = ArrivalColumn(std::move(arrivals_));
    return std::move(result_);
  }

 private:
  const BlockView<Second> base_;
  size_t index_ = 0;  // the next name of the base
  Block result_;      // without its arrivals
  std::vector<Second> arrivals_;
};

// A side of a delta that is being built, by rising name id.
template <typename Second>
class DeltaSide {
 public:
  DeltaSide(const Block& first, const Block& second) {
    const size_t names = first.name_ids.size() + second.name_ids.size();
    block_.name_ids.reserve(names);
    block_.offsets.reserve(names + 1);
    arrivals_.reserve(first.arrivals.size() + second.arrivals.size());
  }
  void Add(Arrivals<Second> arrivals) { Append(arrivals.begin(), arrivals.end(), &arrivals_); }
  void Add(size_t count, Second arrival) { arrivals_.insert(arrivals_.end(), count, arrival); }
  void EndName(uint64_t name_id) {
    if (arrivals_.size() == block_.offsets.back()) return;
    block_.name_ids.push_back(static_cast<uint32_t>(name_id));
    block_.offsets.push_back(static_cast<uint32_t>(arrivals_.size()));
  }
  Block Finish() {
    block_.arrivals = ArrivalColumn(std::move(arrivals_));
    return std::move(block_);
  }

 private:
  Block block_;  // without its arrivals
  std::vector<Second> arrivals_;
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
absl::StatusOr<Block> Apply(const Block& base, const BlockDelta& delta) {
  NameCursor<Second> gained(delta.gained);
  NameCursor<Second> lost(delta.lost);
  const size_t had = base.arrivals.size() + delta.gained.arrivals.size();
  if (delta.lost.arrivals.size() > had) {
    return absl::FailedPreconditionError("more arrivals are lost than there are");
  }
  DeltaApplier<Second> applier(base, delta.gained.name_ids.size(),
                               had - delta.lost.arrivals.size());
  for (;;) {
    const uint64_t name_id = std::min(gained.name_id(), lost.name_id());
    applier.CopyUntil(name_id);
    if (name_id == kNoName) return applier.Finish();
    const Arrivals<Second> gains = gained.Take(name_id);
    if (!applier.Change(static_cast<uint32_t>(name_id), gains, lost.Take(name_id))) {
      return absl::FailedPreconditionError(
          absl::StrCat("name ", name_id, " loses an arrival that it does not have"));
    }
  }
}

template <typename Second>
BlockDelta Combine(const BlockDelta& first, const BlockDelta& second) {
  DeltaSide<Second> gained(first.gained, second.gained);
  DeltaSide<Second> lost(first.lost, second.lost);
  NameCursor<Second> first_gained(first.gained);
  NameCursor<Second> second_gained(second.gained);
  NameCursor<Second> first_lost(first.lost);
  NameCursor<Second> second_lost(second.lost);
  for (;;) {
    const uint64_t name_id = std::min({first_gained.name_id(), second_gained.name_id(),
                                       first_lost.name_id(), second_lost.name_id()});
    if (name_id == kNoName) break;
    AppendCombined<Second>({first_gained.Take(name_id), second_gained.Take(name_id)},
                           {first_lost.Take(name_id), second_lost.Take(name_id)}, &gained, &lost);
    gained.EndName(name_id);
    lost.EndName(name_id);
  }
  return {gained.Finish(), lost.Finish()};
}

}  // namespace

void BlockBuilder::StartName(uint32_t name_id) {
  EndName();
  block_.name_ids.push_back(name_id);
  in_name_ = true;
}

void BlockBuilder::EndName() {
  if (!in_name_) return;
  in_name_ = false;
  if (block_.arrivals.size() == block_.offsets.back()) {
    block_.name_ids.pop_back();
    return;
  }
  block_.offsets.push_back(static_cast<uint32_t>(block_.arrivals.size()));
}

Block BlockBuilder::Finish() {
  EndName();
  return std::exchange(block_, Block());
}

absl::StatusOr<Block> ApplyDelta(const Block& base, const BlockDelta& delta) {
  return base.arrivals.narrow() && IsNarrow(delta) ? Apply<uint32_t>(base, delta)
                                                   : Apply<int64_t>(base, delta);
}

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
