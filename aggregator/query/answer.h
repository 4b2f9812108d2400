// What is answered.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_ANSWER_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/query/coverage.h"

namespace fleetqshape {

// Relays that are counted together.
struct GroupOfRelays {
  std::string name;  // empty: nothing was compared
  size_t relays = 0;
};

// Rows in their order. A row's numbers, and TOTAL's, are those of the first group, then of the
// second and so on.
struct TableAnswer {
  size_t columns = 0;                 // a group's: the sum, then the age buckets
  std::vector<GroupOfRelays> groups;  // one at least
  std::vector<uint64_t> total;        // each message once
  std::vector<std::string> names;
  std::vector<uint64_t> counts;  // rows by groups by columns
  // If they were asked for, in seconds: the age that as many messages are above as below (the older
  // of the middle two), and the largest. kNoAge where there are no messages.
  std::vector<int64_t> total_median_ages;  // by groups
  std::vector<int64_t> total_oldest_ages;
  std::vector<int64_t> median_ages;  // rows by groups
  std::vector<int64_t> oldest_ages;
  size_t rows = 0;             // with those that were cut off
  uint64_t cut_off_total = 0;  // what TOTAL counts, over all groups, and none of `names` does
  Coverage coverage;
  int64_t at_seconds = 0;

  static constexpr int64_t kNoAge = -1;

  // The numbers of a row.
  const uint64_t* row(size_t index) const {
    return counts.data() + index * groups.size() * columns;
  }
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_ANSWER_H_
