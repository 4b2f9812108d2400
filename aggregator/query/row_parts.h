// The rows that are names, as several threads count them.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_ROW_PARTS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_ROW_PARTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "aggregator/query/age_sources.h"
#include "aggregator/query/counted_rows.h"
#include "aggregator/query/gathered_rows.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

// What one thread counts. For one thread at a time.
class RowPart {
 public:
  // Of a table with so many rows. `ages`: notes the oldest ones, and where arrivals are. `scan`
  // outlives it.
  RowPart(const Scan& scan, size_t rows, bool ages);

  // Adds one name's arrivals in a piece, whose block has all of these, to a row.
  template <typename Number>
  void Add(uint32_t row, uint32_t index, size_t name, absl::Span<const Number> arrivals) {
    const Piece& piece = scan_->pieces()[index];
    const size_t cell = row * scan_->groups().size() + piece.group;
    const absl::Span<const Number> values = ListOf(*piece.block, arrivals, name);
    rows_.Add(cell, *piece.scale, values, arrivals.data() + arrivals.size());
    if (oldest_.empty()) return;
    const absl::Span<const Number> counted = piece.scale->Counted(values);
    if (counted.empty()) return;
    oldest_[cell] = std::max(oldest_[cell], AgeOf(piece.scale->now_seconds(), counted.front()));
    arrivals_.push_back({row, index, static_cast<uint32_t>(values.data() - arrivals.data()),
                         static_cast<uint32_t>(values.size())});
  }
  // A group's columns in TOTAL.
  uint64_t* total(uint32_t group) { return total_.data() + group * scan_->columns(); }

  CountedRows Take();

 private:
  const Scan* scan_;
  GatheredRows rows_;  // rows by groups
  std::vector<uint64_t> total_;
  std::vector<RowArrivals> arrivals_;
  std::vector<int64_t> oldest_;  // empty: not asked for
};

// Their sum.
CountedRows TakeAll(std::vector<RowPart> parts);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_ROW_PARTS_H_
