// Which names count.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_NAME_FILTER_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_NAME_FILTER_H_

#include <cstdint>
#include <optional>
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
  // The ids of all names that it takes, if these can be told without looking at all names: it takes
  // some names, and no parents' children.
  std::optional<std::vector<uint32_t>> FindIds(const FleetNames& names) const;

 private:
  absl::flat_hash_set<std::string> names_;
  bool has_parents_ = false;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_NAME_FILTER_H_
