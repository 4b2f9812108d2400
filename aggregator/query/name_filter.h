// Which names count.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_NAME_FILTER_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_NAME_FILTER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "aggregator/ingest/fleet_names.h"

namespace fleetqshape {

// Some names; one that starts with a dot also stands for all that end with it. Immutable.
class NameFilter {
 public:
  explicit NameFilter(const std::vector<std::string>& names);

  // Whether there is a filter at all.
  bool takes_all() const { return names_.empty(); }
  bool Takes(std::string_view name) const;

 private:
  absl::flat_hash_set<std::string> names_;
  bool has_parents_ = false;
};

// The filter's answers by fleet id, each worked out once. For one thread.
class FilteredIds {
 public:
  // Both outlive it.
  FilteredIds(const NameFilter& filter, const FleetNames& names)
      : filter_(filter), names_(names), known_(filter.takes_all() ? 0 : names.size()) {}

  bool Takes(uint32_t fleet_id) {
    if (filter_.takes_all()) return true;
    // Names may have come since.
    if (fleet_id >= known_.size()) known_.resize(fleet_id + size_t{1});
    signed char& known = known_[fleet_id];
    if (known == 0) known = filter_.Takes(names_.name(fleet_id)) ? 1 : -1;
    return known > 0;
  }

 private:
  const NameFilter& filter_;
  const FleetNames& names_;
  std::vector<signed char> known_;  // 0: not yet; 1: yes; -1: no
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_NAME_FILTER_H_
