#include "common/shape/block.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace fleetqshape {
namespace {

using Arrivals = absl::Span<const int64_t>;

// Walks over the names of a block in their order.
class NameCursor {
 public:
  static constexpr uint64_t kEnd = std::numeric_limits<uint64_t>::max();

  explicit NameCursor(const Block& block) : block_(block) {}

  uint64_t name_id() const {
    return index_ < block_.name_ids.size() ? block_.name_ids[index_] : kEnd;
  }
  // The arrivals of `name_id` if the cursor stands on it, and moves on; else none.
  Arrivals Take(uint64_t name_id) {
    if (this->name_id() != name_id) return {};
    const size_t begin = block_.offsets[index_];
    const size_t end = block_.offsets[index_ + 1];
    ++index_;
    return Arrivals(block_.arrivals).subspan(begin, end - begin);
  }

 private:
  const Block& block_;
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
void Append(const int64_t* begin, const int64_t* end, std::vector<int64_t>* out) {
  if (end - begin > 16) {
    out->insert(out->end(), begin, end);
    return;
  }
  for (; begin != end; ++begin) out->push_back(*begin);
}

// Takes the elements that equal `value` off the front.
size_t TakeEqual(int64_t value, Arrivals* arrivals) {
  size_t count = 0;
  while (count < arrivals->size() && (*arrivals)[count] == value) ++count;
  arrivals->remove_prefix(count);
  return count;
}

// Appends the arrivals of a name that changes. False if it loses what it does not have. What lies
// between two changes is copied in one go: a large domain has far more arrivals than changes.
bool AppendChanged(Arrivals old, Arrivals gains, Arrivals losses, std::vector<int64_t>* out) {
  while (!gains.empty() || !losses.empty()) {
    const int64_t next = gains.empty()    ? losses.front()
                         : losses.empty() ? gains.front()
                                          : std::min(gains.front(), losses.front());
    const int64_t* const reached = FirstNotLess(old.begin(), old.end(), next);
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

// Builds the block that a delta leads to, by rising name id.
class DeltaApplier {
 public:
  // `arrivals` is how many the block will have.
  DeltaApplier(const Block& base, size_t gained_names, size_t arrivals) : base_(base) {
    result_.name_ids.reserve(base.name_ids.size() + gained_names);
    result_.offsets.reserve(base.name_ids.size() + gained_names + 1);
    result_.arrivals.reserve(arrivals);
  }

  // The names of the base below `name_id` stay as they are.
  void CopyUntil(uint64_t name_id) {
    const uint32_t* const ids = base_.name_ids.data();
    const uint32_t* const begin = ids + index_;
    const uint32_t* end = ids + base_.name_ids.size();
    if (name_id != NameCursor::kEnd) {
      end = FirstNotLess(begin, end, static_cast<uint32_t>(name_id));
    }
    if (begin == end) return;
    const auto count = static_cast<size_t>(end - begin);
    const uint32_t* const old_offsets = base_.offsets.data() + index_;
    // Modulo 2^32: the block may have grown or shrunk up to here.
    const uint32_t shift = static_cast<uint32_t>(result_.arrivals.size()) - old_offsets[0];
    result_.name_ids.insert(result_.name_ids.end(), begin, end);
    const int64_t* const arrivals = base_.arrivals.data();
    Append(arrivals + old_offsets[0], arrivals + old_offsets[count], &result_.arrivals);
    const size_t filled = result_.offsets.size();
    result_.offsets.resize(filled + count);
    uint32_t* const offsets = result_.offsets.data() + filled;
    for (size_t i = 0; i < count; ++i) offsets[i] = old_offsets[i + 1] + shift;
    index_ += count;
  }

  // The next name, which the base may or may not have. False if it loses what it does not have.
  bool Change(uint32_t name_id, Arrivals gains, Arrivals losses) {
    Arrivals old;
    if (index_ < base_.name_ids.size() && base_.name_ids[index_] == name_id) {
      old = Arrivals(base_.arrivals)
                .subspan(base_.offsets[index_], base_.offsets[index_ + 1] - base_.offsets[index_]);
      ++index_;
    }
    if (!AppendChanged(old, gains, losses, &result_.arrivals)) return false;
    if (result_.arrivals.size() == result_.offsets.back()) return true;  // nothing is left of it
    result_.name_ids.push_back(name_id);
    result_.offsets.push_back(static_cast<uint32_t>(result_.arrivals.size()));
    return true;
  }

  Block Finish() { return std::move(result_); }

 private:
  const Block& base_;
  size_t index_ = 0;  // the next name of the base
  Block result_;
};

// A side of a delta that is being built, by rising name id.
class DeltaSide {
 public:
  DeltaSide(const Block& first, const Block& second) {
    const size_t names = first.name_ids.size() + second.name_ids.size();
    block_.name_ids.reserve(names);
    block_.offsets.reserve(names + 1);
    block_.arrivals.reserve(first.arrivals.size() + second.arrivals.size());
  }
  void Add(Arrivals arrivals) { Append(arrivals.begin(), arrivals.end(), &block_.arrivals); }
  void Add(size_t count, int64_t arrival) {
    for (size_t i = 0; i < count; ++i) block_.arrivals.push_back(arrival);
  }
  void EndName(uint64_t name_id) {
    if (block_.arrivals.size() == block_.offsets.back()) return;
    block_.name_ids.push_back(static_cast<uint32_t>(name_id));
    block_.offsets.push_back(static_cast<uint32_t>(block_.arrivals.size()));
  }
  Block Finish() { return std::move(block_); }

 private:
  Block block_;
};

// Appends what one name gains and loses in two deltas, less what is both gained and lost.
void AppendCombined(std::array<Arrivals, 2> gains, std::array<Arrivals, 2> losses,
                    DeltaSide* gained, DeltaSide* lost) {
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
    int64_t next = std::numeric_limits<int64_t>::max();
    for (const Arrivals& arrivals : {gains[0], gains[1], losses[0], losses[1]}) {
      if (!arrivals.empty()) next = std::min(next, arrivals.front());
    }
    const size_t more = TakeEqual(next, &gains[0]) + TakeEqual(next, &gains[1]);
    const size_t less = TakeEqual(next, &losses[0]) + TakeEqual(next, &losses[1]);
    if (more > less) gained->Add(more - less, next);
    if (less > more) lost->Add(less - more, next);
  }
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
  NameCursor gained(delta.gained);
  NameCursor lost(delta.lost);
  const size_t had = base.arrivals.size() + delta.gained.arrivals.size();
  if (delta.lost.arrivals.size() > had) {
    return absl::FailedPreconditionError("more arrivals are lost than there are");
  }
  DeltaApplier applier(base, delta.gained.name_ids.size(), had - delta.lost.arrivals.size());
  for (;;) {
    const uint64_t name_id = std::min(gained.name_id(), lost.name_id());
    applier.CopyUntil(name_id);
    if (name_id == NameCursor::kEnd) return applier.Finish();
    const Arrivals gains = gained.Take(name_id);
    if (!applier.Change(static_cast<uint32_t>(name_id), gains, lost.Take(name_id))) {
      return absl::FailedPreconditionError(
          absl::StrCat("name ", name_id, " loses an arrival that it does not have"));
    }
  }
}

BlockDelta CombineDeltas(const BlockDelta& first, const BlockDelta& second) {
  DeltaSide gained(first.gained, second.gained);
  DeltaSide lost(first.lost, second.lost);
  NameCursor first_gained(first.gained);
  NameCursor second_gained(second.gained);
  NameCursor first_lost(first.lost);
  NameCursor second_lost(second.lost);
  for (;;) {
    const uint64_t name_id = std::min({first_gained.name_id(), second_gained.name_id(),
                                       first_lost.name_id(), second_lost.name_id()});
    if (name_id == NameCursor::kEnd) break;
    AppendCombined({first_gained.Take(name_id), second_gained.Take(name_id)},
                   {first_lost.Take(name_id), second_lost.Take(name_id)}, &gained, &lost);
    gained.EndName(name_id);
    lost.EndName(name_id);
  }
  return {gained.Finish(), lost.Finish()};
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
