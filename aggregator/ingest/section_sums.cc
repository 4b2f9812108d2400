#include "aggregator/ingest/section_sums.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace fleetqshape {

void SectionSums::Change(const Block& block, absl::Span<const uint32_t> fleet_ids, uint32_t sign) {
  constexpr size_t kAtATime = 128;
  std::array<uint32_t, kAtATime> ids;
  std::array<uint32_t, kAtATime> counts;
  for (size_t begin = 0; begin < block.name_ids.size(); begin += kAtATime) {
    const size_t size = std::min(kAtATime, block.name_ids.size() - begin);
    for (size_t i = 0; i < size; ++i) {
      ids[i] = fleet_ids[block.name_ids[begin + i]];
      counts[i] = sign * (block.offsets[begin + i + 1] - block.offsets[begin + i]);
    }
    names_.Add({ids.data(), size}, {counts.data(), size});
  }
  block.arrivals.Visit([&](const auto seconds) { seconds_.Add(seconds, sign); });
}

void SectionSums::Add(const Block& block, absl::Span<const uint32_t> fleet_ids) {
  arrivals_ += block.arrivals.size();
  Change(block, fleet_ids, 1);
}

void SectionSums::Subtract(const Block& block, absl::Span<const uint32_t> fleet_ids) {
  arrivals_ -= block.arrivals.size();
  Change(block, fleet_ids, static_cast<uint32_t>(-1));
}

void SectionSums::AddTo(FleetSums* sums) {
  sums->arrivals += arrivals_;
  sums->names.push_back(names_.Share());
  sums->seconds.push_back(seconds_.Share());
}

}  // namespace fleetqshape
