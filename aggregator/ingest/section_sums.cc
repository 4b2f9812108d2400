#include "aggregator/ingest/section_sums.h"

#include <cstddef>

namespace fleetqshape {
namespace {

// Calls use_name(fleet id, count) for each name, and use_arrival(arrival) for each arrival.
template <typename UseName, typename UseArrival>
void ForEachOf(const Block& block, absl::Span<const uint32_t> fleet_ids, const UseName& use_name,
               const UseArrival& use_arrival) {
  for (size_t i = 0; i < block.name_ids.size(); ++i) {
    use_name(fleet_ids[block.name_ids[i]], block.offsets[i + 1] - block.offsets[i]);
  }
  block.arrivals.Visit([&](const auto values) {
    for (const auto value : values) use_arrival(static_cast<int64_t>(value));
  });
}

}  // namespace

void SectionSums::Add(const Block& block, absl::Span<const uint32_t> fleet_ids) {
  arrivals_ += block.arrivals.size();
  ForEachOf(
      block, fleet_ids, [this](uint32_t id, uint32_t count) { names_.Add(id, count); },
      [this](int64_t arrival) { seconds_.Add(arrival, 1); });
}

void SectionSums::Subtract(const Block& block, absl::Span<const uint32_t> fleet_ids) {
  arrivals_ -= block.arrivals.size();
  ForEachOf(
      block, fleet_ids, [this](uint32_t id, uint32_t count) { names_.Subtract(id, count); },
      [this](int64_t arrival) { seconds_.Subtract(arrival, 1); });
}

void SectionSums::AddTo(FleetSums* sums) {
  sums->arrivals += arrivals_;
  sums->names.push_back(names_.Share());
  sums->seconds.push_back(seconds_.Share());
}

}  // namespace fleetqshape
