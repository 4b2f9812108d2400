#include "aggregator/ingest/whole_state.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/ingest/relay_records.h"
#include "common/codec/section_codec.h"

namespace fleetqshape {
namespace {

// The names of a section by rising fleet id, each with its place in the block.
std::vector<std::pair<uint32_t, size_t>> ByFleetId(const RelayState& state, const Block& block) {
  std::vector<std::pair<uint32_t, size_t>> rows;
  rows.reserve(block.name_ids.size());
  for (size_t i = 0; i < block.name_ids.size(); ++i) {
    rows.emplace_back(state.names[block.name_ids[i]], i);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

// Arrivals of one name rise: counts those of each side that the other has not.
void CompareArrivals(const Block& before, size_t i, const Block& after, size_t k,
                     StateDifference* difference) {
  size_t a = before.offsets[i];
  const size_t a_end = before.offsets[i + 1];
  size_t b = after.offsets[k];
  const size_t b_end = after.offsets[k + 1];
  while (a < a_end && b < b_end) {
    const int64_t old_arrival = before.arrivals[a];
    const int64_t new_arrival = after.arrivals[b];
    if (old_arrival == new_arrival) {
      ++a;
      ++b;
    } else if (old_arrival < new_arrival) {
      ++a;
      ++difference->lost;
    } else {
      ++b;
      ++difference->gained;
    }
  }
  difference->lost += a_end - a;
  difference->gained += b_end - b;
}

uint64_t ArrivalsOf(const Block& block, size_t i) {
  return block.offsets[i + 1] - block.offsets[i];
}

void CompareSections(const RelayState& before, const RelayState& after, size_t section,
                     StateDifference* difference) {
  const Block& old_block = *before.sections[section];
  const Block& new_block = *after.sections[section];
  const auto old_rows = ByFleetId(before, old_block);
  const auto new_rows = ByFleetId(after, new_block);
  auto a = old_rows.begin();
  auto b = new_rows.begin();
  while (a != old_rows.end() || b != new_rows.end()) {
    if (b == new_rows.end() || (a != old_rows.end() && a->first < b->first)) {
      difference->lost += ArrivalsOf(old_block, (a++)->second);
    } else if (a == old_rows.end() || b->first < a->first) {
      difference->gained += ArrivalsOf(new_block, (b++)->second);
    } else {
      CompareArrivals(old_block, (a++)->second, new_block, (b++)->second, difference);
    }
  }
}

}  // namespace

RelayWrite WriteOfRecord(const RelayView& view) {
  RelayWrite write;
  write.relay = view.id;
  write.record = RecordOf(*view.state);
  DescribeRelay(view, &write.record);
  return write;
}

RelayWrite WriteOfState(const RelayView& view, const FleetNames& names) {
  const RelayState& state = *view.state;
  RelayWrite write = WriteOfRecord(view);
  write.forget_names = true;
  for (const uint32_t id : state.names.fleet_ids()) {
    const std::string_view name = names.name(id);
    write.names.add_names(name.data(), name.size());
  }
  for (Queue queue : kAllQueues) {
    for (Axis axis : kAllAxes) {
      const Block& block = *state.sections[SectionIndex(queue, axis)];
      if (block.name_ids.empty()) {
        write.sections.push_back({queue, axis, SectionWrite::Kind::kErase, ""});
      } else {
        write.sections.push_back(
            {queue, axis, SectionWrite::Kind::kReplace, EncodeSection(queue, axis, block)});
      }
    }
  }
  return write;
}

StateDifference CompareStates(const RelayState& before, const RelayState& after) {
  StateDifference difference;
  for (size_t section = 0; section < kSectionCount; ++section) {
    CompareSections(before, after, section, &difference);
  }
  return difference;
}

}  // namespace fleetqshape
