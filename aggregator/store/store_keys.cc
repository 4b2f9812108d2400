#include "aggregator/store/store_keys.h"

#include <limits>

namespace fleetqshape {
namespace {

void AppendBigEndian(uint32_t number, std::string* key) {
  for (int shift = 24; shift >= 0; shift -= 8) key->push_back(static_cast<char>(number >> shift));
}

// The first four bytes; missing ones are 0.
uint32_t BigEndian(std::string_view key) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) {
    number = (number << 8) | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
  }
  return number;
}

}  // namespace

std::string RelayKey(RelayId relay) {
  std::string key;
  AppendBigEndian(relay, &key);
  return key;
}

std::string NamesKey(RelayId relay, uint32_t first_name_id) {
  std::string key = RelayKey(relay);
  AppendBigEndian(first_name_id, &key);
  return key;
}

std::string ShapeKey(RelayId relay, Queue queue, Axis axis) {
  std::string key = RelayKey(relay);
  key.push_back(static_cast<char>(queue));
  key.push_back(static_cast<char>(axis));
  return key;
}

std::string EndOfRelay(RelayId relay) {
  if (relay < std::numeric_limits<RelayId>::max()) return RelayKey(relay + 1);
  return std::string(16, '\xff');  // no key that is written is as long
}

std::optional<RelayId> ParseRelayKey(std::string_view key) {
  if (key.size() != 4) return std::nullopt;
  return BigEndian(key);
}

std::optional<NamesPlace> ParseNamesKey(std::string_view key) {
  if (key.size() != 8) return std::nullopt;
  return NamesPlace{BigEndian(key), BigEndian(key.substr(4))};
}

std::optional<ShapePlace> ParseShapeKey(std::string_view key) {
  if (key.size() != 6) return std::nullopt;
  for (Queue queue : kAllQueues) {
    for (Axis axis : kAllAxes) {
      if (key[4] == static_cast<char>(queue) && key[5] == static_cast<char>(axis)) {
        return ShapePlace{BigEndian(key), queue, axis};
      }
    }
  }
  return std::nullopt;
}

RelayId RelayOfKey(std::string_view key) { return BigEndian(key); }

}  // namespace fleetqshape
