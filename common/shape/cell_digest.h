// The digest of a relay's state: an order-free sum over its arrivals, which both ends of a report
// stream keep by adding what is gained and taking away what is lost.
#ifndef FLEETQSHAPE_COMMON_SHAPE_CELL_DIGEST_H_
#define FLEETQSHAPE_COMMON_SHAPE_CELL_DIGEST_H_

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// XXH3 (64 bits, seed 0) of the name's bytes.
uint64_t NameHash(std::string_view name);

// XXH3 (64 bits, seed 0) of 24 bytes: the name's hash, the arrival in seconds, and
// 256 * queue + axis, each as 8 bytes with the low byte first. The digest of a state is the sum of
// this over all its arrivals, modulo 2^64. A state without arrivals has the digest 0.
uint64_t CellHash(Queue queue, Axis axis, uint64_t name_hash, int64_t arrival);
// The sum of it over a name's arrivals.
uint64_t SumOfCellHashes(Queue queue, Axis axis, uint64_t name_hash,
                         absl::Span<const uint32_t> arrivals);
uint64_t SumOfCellHashes(Queue queue, Axis axis, uint64_t name_hash,
                         absl::Span<const int64_t> arrivals);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_CELL_DIGEST_H_
