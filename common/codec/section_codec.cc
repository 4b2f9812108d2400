#include "common/codec/section_codec.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

using Steps = google::protobuf::RepeatedField<uint64_t>;

// The arrivals of name `index` of `block`, as steps from `base` on. `steps` has room for them.
void EncodeArrivals(const Block& block, size_t index, int64_t base, Steps* steps) {
  block.arrivals.Visit([&](const auto arrivals) {
    int64_t previous = base;
    for (uint32_t i = block.offsets[index]; i < block.offsets[index + 1]; ++i) {
      const int64_t arrival = arrivals[i];
      // Arrivals rise, so that the difference is none of a signed number's business.
      steps->AddAlreadyReserved(static_cast<uint64_t>(arrival) - static_cast<uint64_t>(previous));
      previous = arrival;
    }
  });
}

// Builds a side of a delta from its column of steps, name by name.
class SideDecoder {
 public:
  SideDecoder(const Steps& steps, size_t names, int64_t base)
      : next_(steps.data()), end_(steps.data() + steps.size()), base_(base) {
    block_.name_ids.reserve(names);
    block_.offsets.reserve(names + 1);
    block_.arrivals.reserve(static_cast<size_t>(steps.size()));
  }

  // The next name's `count` arrivals.
  absl::Status DecodeName(uint32_t name_id, uint32_t count) {
    if (count == 0) return absl::OkStatus();
    if (count > static_cast<size_t>(end_ - next_)) {
      return absl::InvalidArgumentError("section: fewer arrivals than counted");
    }
    int64_t arrival = base_;
    for (const uint64_t* const end = next_ + count; next_ < end; ++next_) {
      // Modulo 2^64, as it was written: any two arrivals have a step between them.
      const auto next = static_cast<int64_t>(static_cast<uint64_t>(arrival) + *next_);
      if (next < arrival) return absl::InvalidArgumentError("section: an arrival beyond 64 bits");
      arrival = next;
      block_.arrivals.push_back(arrival);
    }
    block_.name_ids.push_back(name_id);
    block_.offsets.push_back(static_cast<uint32_t>(block_.arrivals.size()));
    return absl::OkStatus();
  }

  // True if there are no steps that no name has.
  bool AtEnd() const { return next_ == end_; }
  Block Finish() { return std::move(block_); }

 private:
  const uint64_t* next_;
  const uint64_t* end_;
  int64_t base_;
  Block block_;
};

int64_t EarliestArrival(const Block& gained, const Block& lost) {
  int64_t earliest = std::numeric_limits<int64_t>::max();
  for (const Block* block : {&gained, &lost}) {
    for (size_t i = 0; i < block->name_ids.size(); ++i) {
      earliest = std::min(earliest, block->arrivals[block->offsets[i]]);
    }
  }
  return earliest == std::numeric_limits<int64_t>::max() ? 0 : earliest;
}

// Makes room for what a section will hold.
void Reserve(const Block& gained, const Block& lost, v1::Section* section) {
  const auto names = static_cast<int>(gained.name_ids.size() + lost.name_ids.size());
  section->mutable_name_id_steps()->Reserve(names);
  section->mutable_gained()->Reserve(names);
  if (!lost.name_ids.empty()) section->mutable_lost()->Reserve(names);
  section->mutable_gained_steps()->Reserve(static_cast<int>(gained.arrivals.size()));
  section->mutable_lost_steps()->Reserve(static_cast<int>(lost.arrivals.size()));
}

v1::Section Encode(Queue queue, Axis axis, const Block& gained, const Block& lost) {
  v1::Section section;
  section.set_queue(static_cast<v1::Queue>(queue));
  section.set_axis(static_cast<v1::Axis>(axis));
  const int64_t base = EarliestArrival(gained, lost);
  section.set_base_seconds(base);
  Reserve(gained, lost, &section);
  uint32_t previous_id = 0;
  size_t g = 0;
  size_t l = 0;
  while (g < gained.name_ids.size() || l < lost.name_ids.size()) {
    const uint64_t gained_id = g < gained.name_ids.size() ? gained.name_ids[g] : UINT64_MAX;
    const uint64_t lost_id = l < lost.name_ids.size() ? lost.name_ids[l] : UINT64_MAX;
    const auto name_id = static_cast<uint32_t>(std::min(gained_id, lost_id));
    section.add_name_id_steps(name_id - previous_id);
    previous_id = name_id;
    section.add_gained(gained_id == name_id ? gained.offsets[g + 1] - gained.offsets[g] : 0);
    if (gained_id == name_id) EncodeArrivals(gained, g++, base, section.mutable_gained_steps());
    if (lost.name_ids.empty()) continue;
    section.add_lost(lost_id == name_id ? lost.offsets[l + 1] - lost.offsets[l] : 0);
    if (lost_id == name_id) EncodeArrivals(lost, l++, base, section.mutable_lost_steps());
  }
  return section;
}

}  // namespace

v1::Section EncodeSection(Queue queue, Axis axis, const BlockDelta& delta) {
  return Encode(queue, axis, delta.gained, delta.lost);
}

v1::Section EncodeSection(Queue queue, Axis axis, const Block& block) {
  return Encode(queue, axis, block, Block());
}

absl::StatusOr<Queue> SectionQueue(const v1::Section& section) {
  for (Queue queue : kAllQueues) {
    if (static_cast<int>(queue) == section.queue()) return queue;
  }
  return absl::InvalidArgumentError(absl::StrCat("section: unknown queue ", section.queue()));
}

absl::StatusOr<Axis> SectionAxis(const v1::Section& section) {
  for (Axis axis : kAllAxes) {
    if (static_cast<int>(axis) == section.axis()) return axis;
  }
  return absl::InvalidArgumentError(absl::StrCat("section: unknown axis ", section.axis()));
}

absl::StatusOr<BlockDelta> DecodeSection(const v1::Section& section) {
  FQS_RETURN_IF_ERROR(SectionQueue(section).status());
  FQS_RETURN_IF_ERROR(SectionAxis(section).status());
  const int names = section.name_id_steps_size();
  const bool has_losses = section.lost_size() > 0;
  if (section.gained_size() != names || (has_losses && section.lost_size() != names)) {
    return absl::InvalidArgumentError("section: columns of different lengths");
  }
  const auto name_count = static_cast<size_t>(names);
  SideDecoder gained(section.gained_steps(), name_count, section.base_seconds());
  SideDecoder lost(section.lost_steps(), has_losses ? name_count : 0, section.base_seconds());
  uint64_t name_id = 0;
  for (int i = 0; i < names; ++i) {
    const uint32_t step = section.name_id_steps(i);
    if (i > 0 && step == 0) return absl::InvalidArgumentError("section: name ids do not rise");
    name_id += step;
    if (name_id > std::numeric_limits<uint32_t>::max()) {
      return absl::InvalidArgumentError("section: a name id beyond 32 bits");
    }
    const uint32_t gains = section.gained(i);
    const uint32_t losses = has_losses ? section.lost(i) : 0;
    if (gains == 0 && losses == 0) {
      return absl::InvalidArgumentError("section: a name without a change");
    }
    FQS_RETURN_IF_ERROR(gained.DecodeName(static_cast<uint32_t>(name_id), gains));
    FQS_RETURN_IF_ERROR(lost.DecodeName(static_cast<uint32_t>(name_id), losses));
  }
  if (!gained.AtEnd() || !lost.AtEnd()) {
    return absl::InvalidArgumentError("section: more arrivals than counted");
  }
  return BlockDelta{gained.Finish(), lost.Finish()};
}

absl::StatusOr<Block> DecodeState(const v1::Section& section) {
  FQS_ASSIGN_OR_RETURN(BlockDelta delta, DecodeSection(section));
  if (!delta.lost.name_ids.empty()) {
    return absl::InvalidArgumentError("section: a state that loses something");
  }
  return std::move(delta.gained);
}

}  // namespace fleetqshape
