// Column families and keys of the store's RocksDB (docs/store.md).
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_STORE_KEYS_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_STORE_KEYS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aggregator/store/store.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// Column families, in the order of their handles.
enum Family : size_t { kMeta, kRelays, kNames, kShapes, kFamilyCount };
inline constexpr std::array<const char*, kFamilyCount> kFamilyNames = {"default", "relays", "names",
                                                                       "shapes"};

// In the family kMeta.
inline constexpr char kFormatKey[] = "format";
inline constexpr char kFormatVersion[] = "1";

// The key in kRelays, and how each other key of the relay begins.
std::string RelayKey(RelayId relay);
std::string NamesKey(RelayId relay, uint32_t first_name_id);
std::string ShapeKey(RelayId relay, Queue queue, Axis axis);
// Greater than each key of the relay, and not greater than any of the next.
std::string EndOfRelay(RelayId relay);

// Nothing if the key is none of its family.
struct NamesPlace {
  RelayId relay;
  uint32_t first_name_id;
};
struct ShapePlace {
  RelayId relay;
  Queue queue;
  Axis axis;
};
std::optional<RelayId> ParseRelayKey(std::string_view key);
std::optional<NamesPlace> ParseNamesKey(std::string_view key);
std::optional<ShapePlace> ParseShapeKey(std::string_view key);

// The relay that a key of any length stands next to: missing bytes count as 0.
RelayId RelayOfKey(std::string_view key);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_STORE_KEYS_H_
