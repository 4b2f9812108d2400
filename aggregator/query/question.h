// What can be asked of the fleet.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_QUESTION_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_QUESTION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aggregator/query/selection.h"
#include "common/shape/age_buckets.h"
#include "common/shape/queue.h"
#include "common/shape/shape_table.h"

namespace fleetqshape {

// Counts relays in groups: by their value under a key (ValueOf).
struct Comparison {
  std::string key;
  // These, in this order; none given: all that there are, by name. Other relays are left out.
  std::vector<std::string> values;
};

// Wherever an order leaves rows equal, the name's length in bytes decides, then its bytes.
enum class RowOrder {
  kTotal,            // the sum of all groups, falling
  kName,             // the name's bytes
  kShareDifference,  // the largest difference of shares in two groups' totals, falling
  kGroup,            // the count in one group, falling
  // The largest quotient of shares in two groups' totals, falling; each with one message more, so
  // that what is in one group only comes by its size.
  kShareRatio,
};

struct TableQuestion {
  Selection selection;
  std::set<Queue> queues;
  Axis axis = Axis::kRecipientDomain;
  BucketOptions buckets;
  RowOptions rows;  // parents: only where rows are names
  // The time that ages are measured at, on the aggregator's clock; now if not given.
  std::optional<int64_t> at_seconds;

  // What rows are. Empty: names. Else "relay" (cluster/host/instance), "queue", or a key (ValueOf);
  // relays without that label are in the row with the empty name.
  std::string rows_by;
  // Only these names count; one that starts with a dot also stands for all below it. None: all.
  std::vector<std::string> names;
  // Only ages of at least the one and less than the other count.
  std::optional<int64_t> min_age_seconds;
  std::optional<int64_t> max_age_seconds;
  std::optional<Comparison> comparison;

  RowOrder order = RowOrder::kTotal;
  size_t order_group = 0;  // for kGroup
  size_t max_rows = 0;     // the first ones in this order; 0: all
  bool ages = false;       // median and oldest ages are wanted
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_QUESTION_H_
