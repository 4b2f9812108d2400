// What changed since the last report.
#ifndef FLEETQSHAPE_AGENT_REPORT_PENDING_CHANGES_H_
#define FLEETQSHAPE_AGENT_REPORT_PENDING_CHANGES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "agent/watch/queue_state.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// Gathers changes of cells and lets those that undo each other vanish; its memory is that of the
// cells that differ now, not of those that once did. Not safe for use by several threads.
class PendingChanges {
 public:
  struct SectionDelta {
    Queue queue;
    Axis axis;
    BlockDelta delta;
  };

  void Add(const Cell& cell, int64_t change);
  // All sections that changed, by queue and axis; nothing is pending afterwards.
  std::vector<SectionDelta> Take();
  void Clear() { changes_.clear(); }

  bool empty() const { return changes_.empty(); }
  // How many cells differ.
  size_t size() const { return changes_.size(); }
  // How many cells there is memory for.
  size_t capacity() const { return changes_.capacity(); }

 private:
  absl::flat_hash_map<Cell, int64_t> changes_;  // never 0
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_REPORT_PENDING_CHANGES_H_
