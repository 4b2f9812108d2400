// How many arrivals each name has: the first half of a table whose rows are names.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_NAME_TOTALS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_NAME_TOTALS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aggregator/ingest/fleet_names.h"
#include "aggregator/query/paged_column.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/scan.h"
#include "aggregator/query/taken_names.h"

namespace fleetqshape {

// By group, then by fleet id; ids that no piece uses have 0.
using NameTotals = std::vector<PagedColumn<uint64_t>>;

// Where the fleet's sums are known, what most relays have is not looked at: it is the sum without
// the others.
NameTotals CountNames(const Scan& scan, const TakenNames& taken, const FleetNames& names,
                      const Crew& crew);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_NAME_TOTALS_H_
