// Counts by name and age bucket, and the table that they make.
#ifndef FLEETQSHAPE_COMMON_SHAPE_SHAPE_TABLE_H_
#define FLEETQSHAPE_COMMON_SHAPE_SHAPE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace fleetqshape {

// A finished table: one line of counts for TOTAL and one for each visible name. Rows are in no
// particular order. `counts` is row-major, `columns` numbers a row: the sum, then the buckets.
struct Table {
  size_t columns = 0;
  std::vector<uint64_t> total;
  std::vector<std::string> names;
  std::vector<uint64_t> counts;

  const uint64_t* row(size_t index) const { return counts.data() + index * columns; }
};

// qshape's -p and -m.
struct RowOptions {
  bool parents = false;       // add rows for parent domains
  double min_subdomains = 5;  // a parent is shown with at least this many direct subdomains
};

// Gathers counts. Not safe for use by several threads: each has its own, merged at the end.
class ShapeTable {
 public:
  // `columns`: as AgeBuckets::columns().
  explicit ShapeTable(size_t columns);

  // One more arrival under `name`, in `bucket` (a bucket without a column counts in the sum only).
  void Add(std::string_view name, size_t bucket);
  // A hint that `name` comes soon.
  void Prefetch(std::string_view name) const;
  // A row of `columns` counts under `name`.
  void AddCounts(std::string_view name, const uint64_t* counts);
  // One more in TOTAL; Add and AddCounts leave TOTAL alone.
  void AddTotal(size_t bucket);
  void AddTotalCounts(const uint64_t* counts);
  // `other` has the same number of columns.
  void MergeFrom(const ShapeTable& other);

  // The table, with parent domains if asked for and without the names that qshape hides: those
  // that start with a dot and have too few subdomains.
  Table Finish(const RowOptions& options) const;

 private:
  uint64_t* RowOf(std::string_view name);

  size_t columns_;
  std::vector<uint64_t> total_;
  absl::flat_hash_map<std::string, size_t> row_of_name_;
  std::vector<uint64_t> counts_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_SHAPE_TABLE_H_
