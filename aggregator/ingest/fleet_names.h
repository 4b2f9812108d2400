// The names of the whole fleet, each once, with a number.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace fleetqshape {

// Safe for use by several threads. Names stay, and so do the references to them.
class FleetNames {
 public:
  // The id of `name`, a new one if it has none. Ids are given from 0, without gaps.
  uint32_t Intern(std::string_view name);
  // NameHash of an id that Intern gave.
  uint64_t hash(uint32_t id) const;
  std::string_view name(uint32_t id) const;
  // One more than the largest id.
  size_t size() const;

 private:
  struct Entry {
    std::string name;
    uint64_t hash;
  };

  mutable std::shared_mutex mutex_;  // guards what follows
  std::deque<Entry> entries_;
  absl::flat_hash_map<absl::string_view, uint32_t> ids_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_
