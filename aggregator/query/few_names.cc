#include "aggregator/query/few_names.h"

#include <algorithm>

namespace fleetqshape {
namespace {

// The first of some sorted values, one at least, that is not below `value`; or the last one.
const uint32_t* FirstNotBelow(absl::Span<const uint32_t> values, uint32_t value) {
  const uint32_t* first = values.data();
  // Each step takes as long whatever it finds; and many searches are under way at once.
  for (size_t left = values.size(); left > 1;) {
    const size_t half = left / 2;
    first += half * (first[half - 1] < value ? 1 : 0);
    left -= half;
  }
  return first;
}

}  // namespace

FewNames::FewNames(absl::Span<const uint32_t> ids) : ids_(ids.begin(), ids.end()) {
  for (uint32_t i = 0; i < ids.size(); ++i) {
    sorted_.emplace_back(ids[i], i);
    uint8_t& place = places_[ids[i] % kPlaces];
    place = place == kNone && i + 1 < kSeveral ? static_cast<uint8_t>(i + 1) : kSeveral;
  }
  std::sort(sorted_.begin(), sorted_.end());
}

void FewNames::Look(uint32_t fleet_id, size_t name_id, std::vector<Found>* found) const {
  const uint8_t place = places_[fleet_id % kPlaces];
  if (place == kNone) return;
  if (place != kSeveral) {
    const uint32_t name = place - uint32_t{1};
    if (ids_[name] == fleet_id) found->push_back({name, static_cast<uint32_t>(name_id)});
    return;
  }
  const auto one =
      std::lower_bound(sorted_.begin(), sorted_.end(), std::pair(fleet_id, uint32_t{0}));
  if (one == sorted_.end() || one->first != fleet_id) return;
  found->push_back({one->second, static_cast<uint32_t>(name_id)});
}

void FewNames::FindIn(absl::Span<const uint32_t> fleet_ids, bool all,
                      std::vector<Found>* found) const {
  found->clear();
  const size_t enough = all ? fleet_ids.size() : ids_.size();
  // Nearly all are others. Where the few are nobody foresees: no branch depends on it.
  constexpr size_t kAtOnce = 32;
  std::array<size_t, kAtOnce> maybe;
  for (size_t i = 0; i < fleet_ids.size() && found->size() < enough; i += kAtOnce) {
    const size_t end = std::min(i + kAtOnce, fleet_ids.size());
    size_t count = 0;
    for (size_t k = i; k < end; ++k) {
      maybe[count] = k;
      count += places_[fleet_ids[k] % kPlaces] != kNone ? 1 : 0;
    }
    for (size_t k = 0; k < count; ++k) Look(fleet_ids[maybe[k]], maybe[k], found);
  }
}

void FindInBlock(const Block& block, absl::Span<const FewNames::Found> found,
                 std::vector<FoundInBlock>* in_block) {
  in_block->resize(found.size());
  size_t count = 0;
  if (!found.empty() && !block.name_ids.empty()) {
    // Ids rise and are all different: none stands further on than its own number.
    const auto names =
        absl::MakeConstSpan(block.name_ids).subspan(0, found.back().name_id + size_t{1});
    for (const FewNames::Found& one : found) {
      const uint32_t* const at = FirstNotBelow(names, one.name_id);
      (*in_block)[count] = {one.name, static_cast<uint32_t>(at - names.data())};
      count += *at == one.name_id ? 1 : 0;
    }
  }
  in_block->resize(count);
}

}  // namespace fleetqshape
