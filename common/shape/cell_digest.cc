#include "common/shape/cell_digest.h"

// Inline: the compiler then knows the length of a cell.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>

namespace fleetqshape {

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

}  // namespace fleetqshape
