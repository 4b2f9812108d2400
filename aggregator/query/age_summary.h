// Median and oldest ages.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SUMMARY_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SUMMARY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aggregator/query/counted_rows.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

// In seconds, by rows, by groups: as in TableAnswer.
struct AgeSummary {
  std::vector<int64_t> median;
  std::vector<int64_t> oldest;
};

// Of rows that were counted. Where their `oldest` is empty, it is looked for.
AgeSummary SummarizeAges(const Scan& scan, const CountedRows& rows, const Crew& crew);
// Of TOTAL of all names, whose numbers these are, by groups. Where the fleet's sums are known, what
// most relays have is not looked at.
AgeSummary SummarizeTotalAges(const Scan& scan, const std::vector<uint64_t>& total,
                              const Crew& crew);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_AGE_SUMMARY_H_
