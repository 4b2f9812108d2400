// The first rows of a large table, without a total for each of its names.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_TOP_NAMES_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_TOP_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "aggregator/ingest/fleet_names.h"
#include "aggregator/query/counted_rows.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/question.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

// The rows that are shown, in their order, and their numbers.
struct TopNames {
  std::vector<uint32_t> ids;  // of FleetNames
  size_t rows = 0;            // all that there are
  CountedRows counted;
};

// A name that is among the first has many arrivals in at least one block: those that have are
// counted, and what any other name can have in all is less than what the last of the first rows
// has. Nothing if that can't be said, since the question wants all rows, another order or a part
// of the messages, or since the names' shares are too much alike; or if it was cancelled.
std::optional<TopNames> CountTopNames(const TableQuestion& question, const Scan& scan,
                                      const FleetNames& names, const Crew& crew);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_TOP_NAMES_H_
