#include "aggregator/ingest/section_sums.h"

#include <cstddef>

namespace fleetqshape {
namespace {

// Calls use(fleet id, count) for each name.
template <typename Use>
void ForEachName(const Block& block, absl::Span<const uint32_t> fleet_ids, const Use& use) {
  for (size_t i = 0; i < block.name_ids.size(); ++i) {
    use(fleet_ids[block.name_ids[i]], block.offsets[i + 1] - block.offsets[i]);
  }
}

}  // namespace

void SectionSums::Add(const Block& block, absl::Span<const uint32_t> fleet_ids) {
  arrivals_ += block.arrivals.size();
  ForEachName(block, fleet_ids, [this](uint32_t id, uint32_t count) { names_.Add(id, count); });
  if (block.arrivals.narrow()) {
    seconds_.AddEach(block.arrivals.narrow_values());
    return;
  }
  for (const int64_t arrival : block.arrivals.wide_values()) seconds_.Add(arrival, 1);
}

void SectionSums::Subtract(const Block& block, absl::Span<const uint32_t> fleet_ids) {
  arrivals_ -= block.arrivals.size();
  ForEachName(block, fleet_ids,
              [this](uint32_t id, uint32_t count) { names_.Subtract(id, count); });
  if (block.arrivals.narrow()) {
    seconds_.SubtractEach(block.arrivals.narrow_values());
    return;
  }
  for (const int64_t arrival : block.arrivals.wide_values()) seconds_.Subtract(arrival, 1);
}

void SectionSums::AddTo(FleetSums* sums) {
  sums->arrivals += arrivals_;
  sums->names.push_back(names_.Share());
  sums->seconds.push_back(seconds_.Share());
}

}  // namespace fleetqshape
