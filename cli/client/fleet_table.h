// An aggregator's answer to a question about mail.
#ifndef FLEETQSHAPE_CLI_CLIENT_FLEET_TABLE_H_
#define FLEETQSHAPE_CLI_CLIENT_FLEET_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/shape/shape_table.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// Rows in their order. Names are the bytes that stand in the mail.
struct FleetTable {
  v1::TableHead head;  // with one group at least, and `columns` above 0
  std::vector<std::string> names;
  std::vector<uint64_t> counts;      // rows x groups x columns
  std::vector<int64_t> median_ages;  // rows x groups, in seconds, -1: none; empty: not asked for
  std::vector<int64_t> oldest_ages;  // as above

  size_t groups() const { return static_cast<size_t>(head.groups_size()); }
  size_t columns() const { return head.columns(); }
};

// Its groups summed, as qshape's layout takes it.
Table SummedTable(const FleetTable& answer);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_FLEET_TABLE_H_
