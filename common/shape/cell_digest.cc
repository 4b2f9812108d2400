#include "common/shape/cell_digest.h"

// Inline: the compiler then knows the length of a cell.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>

namespace fleetqshape {
namespace {

template <typename Second>
uint64_t SumOfHashes(Queue queue, Axis axis, uint64_t name_hash,
                     absl::Span<const Second> arrivals) {
  uint64_t sum = 0;
  for (const Second arrival : arrivals) sum += CellHash(queue, axis, name_hash, arrival);
  return sum;
}

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "the digest is defined over little-endian bytes");

uint64_t NameHash(std::string_view name) { return XXH3_64bits(name.data(), name.size()); }

uint64_t CellHash(Queue queue, Axis axis, uint64_t name_hash, int64_t arrival) {
  const uint64_t kind = static_cast<uint64_t>(queue) * 256 + static_cast<uint64_t>(axis);
  unsigned char bytes[24];
  std::memcpy(bytes, &name_hash, 8);
  std::memcpy(bytes + 8, &arrival, 8);
  std::memcpy(bytes + 16, &kind, 8);
  return XXH3_64bits(bytes, sizeof bytes);
}

uint64_t SumOfCellHashes(Queue queue, Axis axis, uint64_t name_hash,
                         absl::Span<const uint32_t> arrivals) {
  return SumOfHashes(queue, axis, name_hash, arrivals);
}

uint64_t SumOfCellHashes(Queue queue, Axis axis, uint64_t name_hash,
                         absl::Span<const int64_t> arrivals) {
  return SumOfHashes(queue, axis, name_hash, arrivals);
}

}  // namespace fleetqshape
