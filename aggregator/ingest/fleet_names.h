// The names of the whole fleet, each once, with a number.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace fleetqshape {

// Safe for use by several threads. Names stay, and so do the references to them.
class FleetNames {
 public:
  // The NameHash of each id that Intern gave. While one is there, names can't be added: it is for a
  // moment, and its thread must not call Intern.
  class Hashes {
   public:
    explicit Hashes(const FleetNames& names) : lock_(names.mutex_), hashes_(names.hashes_) {}
    uint64_t operator[](uint32_t id) const { return hashes_[id]; }

   private:
    std::shared_lock<std::shared_mutex> lock_;
    const std::vector<uint64_t>& hashes_;
  };

  // The id of `name`, a new one if it has none. Ids are given from 0, without gaps.
  uint32_t Intern(std::string_view name);
  std::string_view name(uint32_t id) const;
  // One more than the largest id.
  size_t size() const;

 private:
  mutable std::shared_mutex mutex_;  // guards what follows
  std::deque<std::string> names_;
  std::vector<uint64_t> hashes_;  // apart from the names: reports look up hashes only
  absl::flat_hash_map<absl::string_view, uint32_t> ids_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_
