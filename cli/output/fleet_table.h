// An aggregator's answer: a table of mail, for one group of relays or several.
#ifndef FLEETQSHAPE_CLI_OUTPUT_FLEET_TABLE_H_
#define FLEETQSHAPE_CLI_OUTPUT_FLEET_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/shape/shape_table.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// One cell of the table: what a group of relays has under a name. A view of a FleetTable.
struct GroupRow {
  const uint64_t* counts;  // the sum, then the age buckets
  int64_t median_age;      // in seconds; -1: there is no mail, or it was not asked for
  int64_t oldest_age;
};

// Names are the bytes that stand in the mail. Vectors are laid out as in v1::TableResponse: by row,
// then by group; `counts` has columns() of them a cell.
struct FleetTable {
  v1::TableHead head;
  std::vector<std::string> names;
  std::vector<uint64_t> counts;
  std::vector<int64_t> median_ages;  // none, if they were not asked for
  std::vector<int64_t> oldest_ages;

  // Takes what `response` has. The first one has the head. DATA_LOSS if it makes no sense: its
  // sizes do not fit each other. Then the table is of no use.
  absl::Status Append(v1::TableResponse* response);
  // The last part has come: DATA_LOSS if none had a head.
  absl::Status Finish() const;

  size_t columns() const { return head.columns(); }
  size_t groups() const { return static_cast<size_t>(head.groups_size()); }
  bool has_ages() const { return head.oldest_ages_size() > 0; }
  GroupRow row(size_t row, size_t group) const;
  GroupRow total(size_t group) const;
  // Over all groups.
  uint64_t RowSum(size_t row) const;
  uint64_t TotalSum() const;
};

// A table that no aggregator made, as one group.
FleetTable AnswerOf(Table table);

// The table of one group; of an answer with one only, without a copy of its rows.
Table TableOfGroup(FleetTable answer, size_t group);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_FLEET_TABLE_H_
