#include "common/codec/section_codec.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

using Steps = google::protobuf::RepeatedField<uint64_t>;

// The arrivals of name `index` of `block`, as steps from `base` on.
void EncodeArrivals(const Block& block, size_t index, int64_t base, Steps* steps) {
  int64_t previous = base;
  for (uint32_t i = block.offsets[index]; i < block.offsets[index + 1]; ++i) {
    // Arrivals rise, so that the difference is none of a signed number's business.
    steps->Add(static_cast<uint64_t>(block.arrivals[i]) - static_cast<uint64_t>(previous));
    previous = block.arrivals[i];
  }
}

// Reads the next name's `count` arrivals from steps[*position] on.
absl::Status DecodeArrivals(const Steps& steps, uint32_t count, int64_t base, int* position,
                            BlockBuilder* builder) {
  if (count > static_cast<uint32_t>(steps.size() - *position)) {
    return absl::InvalidArgumentError("section: fewer arrivals than counted");
  }
  int64_t arrival = base;
  for (uint32_t i = 0; i < count; ++i) {
    // Modulo 2^64, as it was written: any two arrivals have a step between them.
    const uint64_t step = steps.Get((*position)++);
    const auto next = static_cast<int64_t>(static_cast<uint64_t>(arrival) + step);
    if (next < arrival) return absl::InvalidArgumentError("section: an arrival beyond 64 bits");
    arrival = next;
    builder->AddArrival(arrival);
  }
  return absl::OkStatus();
}

int64_t EarliestArrival(const BlockDelta& delta) {
  int64_t earliest = std::numeric_limits<int64_t>::max();
  for (const Block* block : {&delta.gained, &delta.lost}) {
    for (size_t i = 0; i < block->name_ids.size(); ++i) {
      earliest = std::min(earliest, block->arrivals[block->offsets[i]]);
    }
  }
  return earliest == std::numeric_limits<int64_t>::max() ? 0 : earliest;
}

}  // namespace

v1::Section EncodeSection(Queue queue, Axis axis, const BlockDelta& delta) {
  v1::Section section;
  section.set_queue(static_cast<v1::Queue>(queue));
  section.set_axis(static_cast<v1::Axis>(axis));
  const int64_t base = EarliestArrival(delta);
  section.set_base_seconds(base);
  const Block& gained = delta.gained;
  const Block& lost = delta.lost;
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

v1::Section EncodeSection(Queue queue, Axis axis, const Block& block) {
  return EncodeSection(queue, axis, BlockDelta{block, Block()});
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
  BlockBuilder gained;
  BlockBuilder lost;
  uint64_t name_id = 0;
  int gained_position = 0;
  int lost_position = 0;
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
    gained.StartName(static_cast<uint32_t>(name_id));
    FQS_RETURN_IF_ERROR(DecodeArrivals(section.gained_steps(), gains, section.base_seconds(),
                                       &gained_position, &gained));
    lost.StartName(static_cast<uint32_t>(name_id));
    FQS_RETURN_IF_ERROR(DecodeArrivals(section.lost_steps(), losses, section.base_seconds(),
                                       &lost_position, &lost));
  }
  if (gained_position != section.gained_steps_size() ||
      lost_position != section.lost_steps_size()) {
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
