// Whether the fleet's sums are those of its relays' states.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_FLEET_SUMS_CHECK_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_FLEET_SUMS_CHECK_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "aggregator/ingest/fleet.h"

namespace fleetqshape::test {

// Of one section: how many arrivals names and seconds have.
struct NaiveSums {
  std::map<uint32_t, uint64_t> names;
  std::map<int64_t, uint64_t> seconds;

  bool operator==(const NaiveSums& other) const = default;
};

inline NaiveSums SumOfStates(const std::vector<RelayView>& relays, size_t section) {
  NaiveSums sums;
  for (const RelayView& relay : relays) {
    const Block& block = *relay.state->sections[section];
    for (size_t i = 0; i < block.name_ids.size(); ++i) {
      for (uint32_t k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
        ++sums.names[relay.state->names[block.name_ids[i]]];
        ++sums.seconds[block.arrivals[k]];
      }
    }
  }
  return sums;
}

inline void ExpectSumsOfStates(const Fleet& fleet) {
  for (size_t section = 0; section < kSectionCount; ++section) {
    SCOPED_TRACE("section " + std::to_string(section));
    FleetSums sums;
    const std::vector<RelayView> relays = fleet.Snapshot({&section, 1}, &sums);
    NaiveSums found;
    uint64_t arrivals = 0;
    ASSERT_EQ(sums.names.size(), 1U);
    ASSERT_EQ(sums.seconds.size(), 1U);
    std::vector<uint64_t> names(sums.names[0].end(), 0);
    sums.names[0].AddTo(0, absl::MakeSpan(names));
    for (uint32_t id = 0; id < names.size(); ++id) {
      if (names[id] > 0) found.names[id] = names[id];
      arrivals += names[id];
    }
    EXPECT_EQ(sums.arrivals, arrivals);
    sums.seconds[0].ForEach(
        std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(),
        [&](int64_t second, uint32_t count) { found.seconds[second] += count; });
    EXPECT_EQ(found, SumOfStates(relays, section));
  }
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_FLEET_SUMS_CHECK_H_
