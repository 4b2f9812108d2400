// The state of a relay in its plainest form: each arrival by itself, under its name.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_NAMED_CELLS_H_
#define FLEETQSHAPE_TESTS_SUPPORT_NAMED_CELLS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/shape/block.h"
#include "common/shape/cell_digest.h"
#include "common/shape/queue.h"

namespace fleetqshape::test {

struct NamedCell {
  Queue queue = Queue::kDeferred;
  Axis axis = Axis::kRecipientDomain;
  std::string name;
  int64_t arrival = 0;

  auto operator<=>(const NamedCell& other) const = default;
  friend std::ostream& operator<<(std::ostream& out, const NamedCell& cell) {
    return out << QueueName(cell.queue) << "/" << static_cast<int>(cell.axis) << "/" << cell.name
               << "@" << cell.arrival;
  }
};

using NamedCells = std::multiset<NamedCell>;

// The sum of the cells' hashes, as the wire format defines it.
inline uint64_t DigestOf(const NamedCells& cells) {
  uint64_t digest = 0;
  for (const NamedCell& cell : cells) {
    digest += CellHash(cell.queue, cell.axis, NameHash(cell.name), cell.arrival);
  }
  return digest;
}

// What of `cells` is not in `others`.
inline NamedCells Without(const NamedCells& cells, const NamedCells& others) {
  NamedCells rest;
  std::set_difference(cells.begin(), cells.end(), others.begin(), others.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

// Fails the test unless the block is as its header promises.
inline void ExpectSoundBlock(const Block& block) {
  ASSERT_EQ(block.offsets.size(), block.name_ids.size() + 1);
  EXPECT_EQ(block.offsets.front(), 0U);
  EXPECT_EQ(block.offsets.back(), block.arrivals.size());
  for (size_t i = 0; i < block.name_ids.size(); ++i) {
    EXPECT_LT(block.offsets[i], block.offsets[i + 1]) << "a name without arrivals";
    if (i > 0) {
      EXPECT_LT(block.name_ids[i - 1], block.name_ids[i]);
    }
    for (uint32_t k = block.offsets[i] + 1; k < block.offsets[i + 1]; ++k) {
      EXPECT_LE(block.arrivals[k - 1], block.arrivals[k]);
    }
  }
}

// Adds a block's arrivals; `name_of` gives the name of an id.
template <typename NameOf>
void AddBlock(Queue queue, Axis axis, const Block& block, NameOf name_of, NamedCells* cells) {
  for (size_t i = 0; i < block.name_ids.size(); ++i) {
    const std::string name(name_of(block.name_ids[i]));
    for (uint32_t k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
      cells->insert({queue, axis, name, block.arrivals[k]});
    }
  }
}

// All arrivals of a QueueState.
template <typename Model>
NamedCells CellsOfModel(const Model& model) {
  NamedCells cells;
  for (Queue queue : kAllQueues) {
    for (Axis axis : kAllAxes) {
      const Block block = model.MakeBlock(queue, axis);
      ExpectSoundBlock(block);
      AddBlock(
          queue, axis, block, [&](uint32_t id) { return model.Name(id); }, &cells);
    }
  }
  return cells;
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_NAMED_CELLS_H_
