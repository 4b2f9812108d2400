// What is reported of one relay's queue, whoever keeps it.
#ifndef FLEETQSHAPE_AGENT_WATCH_QUEUE_STATE_H_
#define FLEETQSHAPE_AGENT_WATCH_QUEUE_STATE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "common/shape/block.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// One arrival, as part of the state.
struct Cell {
  Queue queue;
  Axis axis;
  uint32_t name_id;  // in QueueState
  int64_t arrival;   // seconds since the Unix epoch

  bool operator==(const Cell& other) const = default;
  template <typename H>
  friend H AbslHashValue(H hash, const Cell& cell) {
    return H::combine(std::move(hash), cell.queue, cell.axis, cell.name_id, cell.arrival);
  }
};

// Arrivals by queue and axis, and the names that they have, which are numbered from 0. A name keeps
// its number; whoever keeps the state says so when it gives new ones. Not safe for use by several
// threads.
class QueueState {
 public:
  virtual ~QueueState() = default;

  // How many numbers were given.
  virtual size_t name_count() const = 0;
  // Valid until the state changes or another name is asked for.
  virtual std::string_view Name(uint32_t id) const = 0;
  // The sum of CellHash over all arrivals.
  virtual uint64_t digest() const = 0;
  // How many arrivals a queue and axis has.
  virtual uint64_t arrival_count(Queue queue, Axis axis) const = 0;
  // The arrivals of one queue and axis.
  virtual Block MakeBlock(Queue queue, Axis axis) const = 0;
};

// A block of arrivals, given as name ids and seconds in any order.
Block BlockOf(std::vector<std::pair<uint32_t, int64_t>> arrivals);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_QUEUE_STATE_H_
