#include "aggregator/query/few_names.h"

#include <algorithm>

namespace fleetqshape {

FewNames::FewNames(absl::Span<const uint32_t> ids) {
  for (uint32_t i = 0; i < ids.size(); ++i) {
    sorted_.emplace_back(ids[i], i);
    may_be_[ids[i] % kPlaces] = 1;
  }
  std::sort(sorted_.begin(), sorted_.end());
}

std::vector<FewNames::Found> FewNames::FindIn(absl::Span<const uint32_t> fleet_ids,
                                              bool all) const {
  std::vector<Found> found;
  const size_t enough = all ? fleet_ids.size() : sorted_.size();
  const auto look = [&](size_t i) {
    if (may_be_[fleet_ids[i] % kPlaces] == 0) return;
    const auto one =
        std::lower_bound(sorted_.begin(), sorted_.end(), std::pair(fleet_ids[i], uint32_t{0}));
    if (one == sorted_.end() || one->first != fleet_ids[i]) return;
    found.push_back({one->second, static_cast<uint32_t>(i)});
  };
  // Nearly all are others: a branch for some of them at once.
  constexpr size_t kAtOnce = 8;
  size_t i = 0;
  for (; i + kAtOnce <= fleet_ids.size() && found.size() < enough; i += kAtOnce) {
    uint8_t any = 0;
    for (size_t k = i; k < i + kAtOnce; ++k) any |= may_be_[fleet_ids[k] % kPlaces];
    if (any == 0) continue;
    for (size_t k = i; k < i + kAtOnce; ++k) look(k);
  }
  for (; i < fleet_ids.size() && found.size() < enough; ++i) look(i);
  return found;
}

std::optional<uint32_t> NameFinder::Find(uint32_t name_id) {
  // Ids rise and are all different: it stands no further on than it is larger.
  const size_t most = std::min<size_t>(position_ + (name_id - id_), name_ids_.size());
  const auto end = name_ids_.begin() + static_cast<std::ptrdiff_t>(most);
  const auto begin = name_ids_.begin() + static_cast<std::ptrdiff_t>(position_);
  position_ = static_cast<size_t>(std::lower_bound(begin, end, name_id) - name_ids_.begin());
  id_ = name_id;
  if (position_ == name_ids_.size() || name_ids_[position_] != name_id) return std::nullopt;
  return static_cast<uint32_t>(position_);
}

}  // namespace fleetqshape
