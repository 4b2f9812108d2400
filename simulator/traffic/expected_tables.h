// The answers that a simulated fleet must have.
#ifndef FLEETQSHAPE_SIMULATOR_TRAFFIC_EXPECTED_TABLES_H_
#define FLEETQSHAPE_SIMULATOR_TRAFFIC_EXPECTED_TABLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/shape/age_buckets.h"
#include "common/shape/shape_table.h"
#include "simulator/traffic/domains.h"
#include "simulator/traffic/simulated_queue.h"

namespace fleetqshape {

// Counts message by message, at one moment, what `fleetqshape QUEUE` and `fleetqshape -s QUEUE` ask
// for. Not safe for use by several threads.
class ExpectedTables {
 public:
  // `at_seconds`: the Unix time that ages are measured at. `domains` outlives it.
  ExpectedTables(const Domains* domains, int64_t at_seconds);

  // One more relay.
  void Add(const SimulatedQueue& queue);
  // Writes QUEUE.recipients and QUEUE.senders for each queue into the directory, which is made if
  // it is not there, and `at`, the time. UNAVAILABLE if that fails.
  absl::Status Write(const std::string& directory) const;

 private:
  ShapeTable& TableOf(Queue queue, Axis axis);

  const Domains& domains_;
  const int64_t at_seconds_;
  const AgeBuckets buckets_;
  std::vector<ShapeTable> tables_;  // by queue and axis
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_TRAFFIC_EXPECTED_TABLES_H_
