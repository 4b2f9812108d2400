#include "common/shape/block.h"

#include <algorithm>
#include <iterator>
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

void Merge(Arrivals a, Arrivals b, std::vector<int64_t>* merged) {
  merged->clear();
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(*merged));
}

// `a` without `b`, as multisets.
void Subtract(const std::vector<int64_t>& a, const std::vector<int64_t>& b,
              std::vector<int64_t>* rest) {
  rest->clear();
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(*rest));
}

void AddName(uint64_t name_id, Arrivals arrivals, BlockBuilder* builder) {
  builder->StartName(static_cast<uint32_t>(name_id));
  for (int64_t arrival : arrivals) builder->AddArrival(arrival);
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
  BlockBuilder result;
  NameCursor old(base);
  NameCursor gained(delta.gained);
  NameCursor lost(delta.lost);
  std::vector<int64_t> with_gains;
  std::vector<int64_t> losses;
  std::vector<int64_t> rest;
  for (;;) {
    const uint64_t name_id = std::min({old.name_id(), gained.name_id(), lost.name_id()});
    if (name_id == NameCursor::kEnd) break;
    const Arrivals old_arrivals = old.Take(name_id);
    const Arrivals gains = gained.Take(name_id);
    const Arrivals taken = lost.Take(name_id);
    if (gains.empty() && taken.empty()) {
      AddName(name_id, old_arrivals, &result);
      continue;
    }
    Merge(old_arrivals, gains, &with_gains);
    losses.assign(taken.begin(), taken.end());
    if (!std::includes(with_gains.begin(), with_gains.end(), losses.begin(), losses.end())) {
      return absl::FailedPreconditionError(
          absl::StrCat("name ", name_id, " loses an arrival that it does not have"));
    }
    Subtract(with_gains, losses, &rest);
    AddName(name_id, rest, &result);
  }
  return result.Finish();
}

BlockDelta CombineDeltas(const BlockDelta& first, const BlockDelta& second) {
  BlockBuilder gained;
  BlockBuilder lost;
  NameCursor first_gained(first.gained);
  NameCursor second_gained(second.gained);
  NameCursor first_lost(first.lost);
  NameCursor second_lost(second.lost);
  std::vector<int64_t> gains;
  std::vector<int64_t> losses;
  std::vector<int64_t> rest;
  for (;;) {
    const uint64_t name_id = std::min({first_gained.name_id(), second_gained.name_id(),
                                       first_lost.name_id(), second_lost.name_id()});
    if (name_id == NameCursor::kEnd) break;
    Merge(first_gained.Take(name_id), second_gained.Take(name_id), &gains);
    Merge(first_lost.Take(name_id), second_lost.Take(name_id), &losses);
    Subtract(gains, losses, &rest);
    AddName(name_id, rest, &gained);
    Subtract(losses, gains, &rest);
    AddName(name_id, rest, &lost);
  }
  return {gained.Finish(), lost.Finish()};
}

}  // namespace fleetqshape
