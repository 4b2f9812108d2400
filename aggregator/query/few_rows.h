// Counts rows that are of a few names.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_FEW_ROWS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_FEW_ROWS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/query/few_names.h"
#include "aggregator/query/row_parts.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

// Finds the names in relays' tables and blocks, and adds their arrivals to rows. Nearly all of that
// is in no cache. So relays pass by in steps: what one step reads, the one before asked for while
// it worked at an earlier relay. For one thread.
class FewRows {
 public:
  // `rows`: of each of `names`. All outlive it. `all_ids`: as in FewNames::FindIn.
  FewRows(const Scan& scan, const FewNames& names, absl::Span<const uint32_t> rows, bool all_ids,
          RowPart* part)
      : scan_(scan), names_(names), rows_(rows), all_ids_(all_ids), part_(part) {}

  // Takes a relay (of Scan::first_pieces) in. The next one is likely to come next.
  void Add(size_t relay);
  // Adds what is on its way. To be called when all were taken in.
  void Finish();

 private:
  // A name's arrivals in a block, for a row.
  struct List {
    uint32_t row = 0;
    uint32_t piece = 0;
    uint32_t name = 0;  // which of the block's
  };
  // A relay, on its way.
  struct Passing {
    uint32_t first_piece = 0;
    uint32_t end_piece = 0;
    std::vector<FewNames::Found> found;
    std::vector<List> lists;
  };
  static constexpr size_t kSteps = 4;

  void AskForTable(size_t relay) const;
  void FindNames(Passing* relay) const;
  void FindInBlocks(Passing* relay);
  void AskForArrivals(const Passing& relay) const;
  void AddLists(const Passing& relay);
  // All go one step on.
  void Advance();

  const Scan& scan_;
  const FewNames& names_;
  const absl::Span<const uint32_t> rows_;
  const bool all_ids_;
  RowPart* const part_;
  std::vector<FoundInBlock> in_block_;
  size_t added_ = 0;
  std::array<Passing, kSteps> passing_;  // the latest relay at added_ % kSteps
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_FEW_ROWS_H_
