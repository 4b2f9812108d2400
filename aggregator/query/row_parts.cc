#include "aggregator/query/row_parts.h"

#include <utility>

#include "aggregator/query/answer.h"

namespace fleetqshape {

RowPart::RowPart(const Scan& scan, size_t rows, bool ages)
    : scan_(&scan),
      rows_(rows * scan.groups().size(), scan.columns()),
      total_(scan.groups().size() * scan.columns(), 0),
      oldest_(ages ? rows * scan.groups().size() : 0, TableAnswer::kNoAge) {}

CountedRows RowPart::Take() {
  return {rows_.Take(), std::move(total_), std::move(arrivals_), std::move(oldest_), 0};
}

CountedRows TakeAll(std::vector<RowPart> parts) {
  CountedRows sum;
  for (RowPart& part : parts) sum.Add(part.Take());
  return sum;
}

}  // namespace fleetqshape
