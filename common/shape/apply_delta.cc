#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "common/shape/block.h"
#include "common/shape/block_view.h"
#include "common/shape/column_writer.h"

namespace fleetqshape {
namespace {

// Blocks are kept, thousands of them, and never change: an eighth may be spare.
void LimitSpare(std::vector<uint32_t>* column) {
  if (column->capacity() - column->size() > column->size() / 8) column->shrink_to_fit();
}

// What a delta does to one name. Names are copied first and arrivals then: which of them change
// nobody foresees, and a wrong guess at one of them costs less when the other does not wait for it.
struct NameChange {
  uint32_t name_id;
  ArrivalRange old;  // of the base: none if it does not have the name
  ArrivalRange gains;
  ArrivalRange losses;
};

// Copies the names of a base and their offsets, but for the names that change.
class NamesCopier {
 public:
  NamesCopier(const Block& base, size_t gained_names)
      : ids_(base.name_ids.data()),
        offsets_(base.offsets.data()),
        size_(base.name_ids.size()),
        new_ids_(size_ + gained_names),
        new_offsets_(size_ + gained_names + 1) {
    new_offsets_.buffer()[0] = 0;
    new_offsets_.Flush(1);
  }

  // Fills in `changes`, which has room for all, and returns how many there are. Does not look at
  // arrivals: a name that loses what it does not have is found out later.
  size_t Copy(const BlockDelta& delta, NameChange* changes) {
    NameCursor gained(delta.gained);
    NameCursor lost(delta.lost);
    NameChange* next = changes;
    Place at;
    for (;;) {
      const uint64_t gained_id = gained.name_id();
      const uint64_t lost_id = lost.name_id();
      const uint64_t name_id = Least(gained_id, lost_id);
      if (name_id == kNoName) break;
      const ArrivalRange gains = gained.Take(gained_id == name_id ? 1 : 0);
      const ArrivalRange losses = lost.Take(lost_id == name_id ? 1 : 0);
      at = Change(static_cast<uint32_t>(name_id), gains, losses, next, at);
      ++next;
    }
    at = CopyRest(at);
    new_ids_.Flush(at.buffered);
    new_offsets_.Flush(at.buffered);
    return static_cast<size_t>(next - changes);
  }

  void Finish(Block* block) {
    block->name_ids = new_ids_.Finish();
    block->offsets = new_offsets_.Finish();
    LimitSpare(&block->name_ids);
    LimitSpare(&block->offsets);
  }

 private:
  struct Place {
    size_t index = 0;     // of the next name of the base
    size_t buffered = 0;  // names
    uint32_t shift = 0;   // arrivals gained less those lost up to here, modulo 2^32
  };

  // The names below `name_id`.
  [[gnu::always_inline]] Place CopyBelow(uint32_t name_id, Place at) {
    for (;;) {
      if (at.buffered > kFull) at = Flush(at);
      if (size_ - at.index < kGroup) break;
      const size_t copied = CopyGroup(ids_ + at.index, new_ids_.buffer() + at.buffered, name_id);
      CopyOffsets(at);
      at.index += copied;
      at.buffered += copied;
      if (copied < kGroup) return at;
    }
    while (at.index < size_ && ids_[at.index] < name_id) at = CopyOne(at);
    return at;
  }
  Place CopyRest(Place at) {
    for (;;) {
      if (at.buffered > kFull) at = Flush(at);
      if (size_ - at.index < kGroup) break;
      CopyGroup(ids_ + at.index, new_ids_.buffer() + at.buffered);
      CopyOffsets(at);
      at.index += kGroup;
      at.buffered += kGroup;
    }
    while (at.index < size_) at = CopyOne(at);
    return at;
  }
  [[gnu::always_inline]] void CopyOffsets(Place at) {
    CopyGroupPlus(offsets_ + at.index + 1, new_offsets_.buffer() + at.buffered, at.shift);
  }
  // Fewer than a group at a time.
  Place CopyOne(Place at) {
    new_ids_.buffer()[at.buffered] = ids_[at.index];
    new_offsets_.buffer()[at.buffered] = offsets_[at.index + 1] + at.shift;
    return {at.index + 1, at.buffered + 1, at.shift};
  }
  // The next name that changes, and how.
  [[gnu::always_inline]] Place Change(uint32_t name_id, ArrivalRange gains, ArrivalRange losses,
                                      NameChange* change, Place at) {
    at = CopyBelow(name_id, at);
    const size_t here = at.index < size_ && ids_[at.index] == name_id ? 1 : 0;
    const ArrivalRange old = {offsets_[at.index], offsets_[at.index + here]};
    *change = {name_id, old, gains, losses};
    const uint32_t more = gains.size() - losses.size();
    at.shift += more;
    new_ids_.buffer()[at.buffered] = name_id;
    new_offsets_.buffer()[at.buffered] = old.end + at.shift;
    at.buffered += old.size() + more != 0 ? 1 : 0;
    at.index += here;
    return at;
  }
  [[gnu::noinline]] Place Flush(Place at) {
    new_ids_.Flush(at.buffered);
    new_offsets_.Flush(at.buffered);
    return {at.index, 0, at.shift};
  }

  static constexpr size_t kFull = ColumnWriter<uint32_t>::kFull;

  const uint32_t* const ids_;
  const uint32_t* const offsets_;
  const size_t size_;
  ColumnWriter<uint32_t> new_ids_;
  ColumnWriter<uint32_t> new_offsets_;
};

// Copies the arrivals of a base, but for what is gained, which is put in between, and what is lost,
// which is left out.
template <typename Second>
class ArrivalsCopier {
 public:
  ArrivalsCopier(absl::Span<const Second> base, const Second* gained, const Second* lost,
                 size_t most)
      : first_(base.data()),
        last_(first_ + base.size()),
        gained_(gained),
        lost_(lost),
        writer_(most) {}

  // The first change that loses what its name does not have, or null.
  const NameChange* Copy(absl::Span<const NameChange> changes) {
    Place at = {first_, writer_.buffer()};
    for (const NameChange& change : changes) {
      at = CopyUntil(first_ + change.old.begin, at);
      const bool few = change.gains.size() + change.losses.size() == 1 &&
                       change.old.size() < kGroup &&
                       last_ - at.from >= static_cast<ptrdiff_t>(2 * kGroup);
      if (!(few ? ChangeOne(change, &at) : ChangeAny(change, &at))) return &change;
    }
    at = CopyUntil(last_, at);
    Flush(at);
    return nullptr;
  }
  std::vector<Second> Finish() { return writer_.Finish(); }

 private:
  struct Place {
    const Second* from;  // the next of the base
    Second* next;        // where in the buffer it belongs
  };

  // The arrivals of the base up to `end`.
  [[gnu::always_inline]] Place CopyUntil(const Second* end, Place at) {
    if (at.next > full()) at = Flush(at);
    const auto count = static_cast<size_t>(end - at.from);
    if (last_ - end < static_cast<ptrdiff_t>(2 * kGroup) || count > kFull - 4 * kGroup) {
      return CopyManyUntil(end, at);
    }
    size_t i = 0;
    do {
      CopyGroup(at.from + i, at.next + i);
      CopyGroup(at.from + i + kGroup, at.next + i + kGroup);
      i += 2 * kGroup;
    } while (i < count);
    return {end, at.next + count};
  }
  [[gnu::noinline]] Place CopyManyUntil(const Second* end, Place at) {
    at = Flush(at);
    writer_.Append(at.from, static_cast<size_t>(end - at.from));
    return {end, at.next};
  }
  [[gnu::noinline]] Place Flush(Place at) {
    writer_.Flush(static_cast<size_t>(at.next - writer_.buffer()));
    return {at.from, writer_.buffer()};
  }
  Second* full() { return writer_.buffer() + kFull; }

  // The same, as far as they are less than `value`.
  Place CopyBelow(Second value, const Second* end, Place at) {
    for (;;) {
      if (at.next > full()) at = Flush(at);
      if (last_ - at.from < static_cast<ptrdiff_t>(kGroup)) break;
      const size_t copied =
          std::min(CopyGroup(at.from, at.next, value), static_cast<size_t>(end - at.from));
      at = {at.from + copied, at.next + copied};
      if (copied < kGroup) return at;
    }
    while (at.from != end && *at.from < value) *at.next++ = *at.from++;
    return at;
  }

  // One arrival more or less of a name with less than a group of them, before two groups: most
  // changes. Whether it is gained or lost nobody foresees: no branch depends on it. False if it is
  // lost and not there.
  [[gnu::always_inline]] bool ChangeOne(const NameChange& change, Place* place) {
    const auto [from, next] = *place;
    const size_t had = change.old.size();
    const size_t gained = change.gains.size();
    const Second arrival =
        *(gained != 0 ? gained_ + change.gains.begin : lost_ + change.losses.begin);
    const size_t less = std::min(CopyGroup(from, next, arrival), had);
    const bool there = (less != had) & (from[less] == arrival);
    if (!(there | (gained != 0))) return false;
    next[less] = arrival;
    CopyGroup(from + less + 1 - gained, next + less + gained);
    *place = {from + had, next + had + 2 * gained - 1};
    return true;
  }

  // Any change. False if the name does not have what it loses.
  [[gnu::noinline]] bool ChangeAny(const NameChange& change, Place* place) {
    Place at = *place;
    const Second* const end = first_ + change.old.end;
    const Second* gain = gained_ + change.gains.begin;
    const Second* const gains_end = gained_ + change.gains.end;
    const Second* loss = lost_ + change.losses.begin;
    const Second* const losses_end = lost_ + change.losses.end;
    while (gain != gains_end || loss != losses_end) {
      if (loss == losses_end || (gain != gains_end && *gain < *loss)) {
        at = CopyBelow(*gain, end, at);
        *at.next++ = *gain++;
      } else if (gain != gains_end && *gain == *loss) {
        ++gain;
        ++loss;
      } else {
        at = CopyBelow(*loss, end, at);
        if (at.from == end || *at.from != *loss) return false;
        ++at.from;
        ++loss;
      }
    }
    *place = at;
    return true;
  }

  static constexpr size_t kFull = ColumnWriter<Second>::kFull;

  const Second* const first_;
  const Second* const last_;
  const Second* const gained_;
  const Second* const lost_;
  ColumnWriter<Second> writer_;
};

template <typename Second>
absl::StatusOr<Block> Apply(const Block& base, const BlockDelta& delta) {
  const size_t had = base.arrivals.size() + delta.gained.arrivals.size();
  if (delta.lost.arrivals.size() > had) {
    return absl::FailedPreconditionError("more arrivals are lost than there are");
  }
  const size_t most = delta.gained.name_ids.size() + delta.lost.name_ids.size();
  const auto changes = std::make_unique_for_overwrite<NameChange[]>(most);
  NamesCopier names(base, delta.gained.name_ids.size());
  const size_t count = names.Copy(delta, changes.get());
  const BlockView<Second> view(base);
  const BlockView<Second> gained(delta.gained);
  const BlockView<Second> lost(delta.lost);
  ArrivalsCopier<Second> arrivals(view.arrivals(), gained.arrivals().data(), lost.arrivals().data(),
                                  had - delta.lost.arrivals.size());
  const NameChange* const failed = arrivals.Copy({changes.get(), count});
  if (failed != nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("name ", failed->name_id, " loses an arrival that it does not have"));
  }
  Block result;
  names.Finish(&result);
  result.arrivals = ArrivalColumn(arrivals.Finish());
  return result;
}

}  // namespace

absl::StatusOr<Block> ApplyDelta(const Block& base, const BlockDelta& delta) {
  return base.arrivals.narrow() && IsNarrow(delta) ? Apply<uint32_t>(base, delta)
                                                   : Apply<int64_t>(base, delta);
}

}  // namespace fleetqshape
