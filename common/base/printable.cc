#include "common/base/printable.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace fleetqshape {
namespace {

// The length of the well-formed UTF-8 sequence at the start of `text` (Unicode 15, table 3-7), and
// its code point; 0 if there is none.
size_t DecodeUtf8(std::string_view text, uint32_t* code_point) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  size_t length = 0;
  uint32_t smallest = 0;
  if (first < 0x80) {
    *code_point = first;
    return 1;
  }
  if ((first & 0xE0) == 0xC0) {
    length = 2;
    smallest = 0x80;
    *code_point = first & 0x1F;
  } else if ((first & 0xF0) == 0xE0) {
    length = 3;
    smallest = 0x800;
    *code_point = first & 0x0F;
  } else if ((first & 0xF8) == 0xF0) {
    length = 4;
    smallest = 0x10000;
    *code_point = first & 0x07;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    *code_point = (*code_point << 6) | (byte(i) & 0x3F);
  }
  const bool surrogate = *code_point >= 0xD800 && *code_point <= 0xDFFF;
  return *code_point < smallest || *code_point > 0x10FFFF || surrogate ? 0 : length;
}

// Characters that are not seen themselves but change what is seen around them.
bool IsDeceptive(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) ||         // C0, DEL, C1
         c == 0xAD || c == 0x34F ||                      // soft hyphen, grapheme joiner
         c == 0x61C || c == 0x180E ||                    // Arabic letter mark, Mongolian separator
         (c >= 0x200B && c <= 0x200F) ||                 // zero width, direction marks
         (c >= 0x2028 && c <= 0x202E) ||                 // separators, embeddings and overrides
         (c >= 0x2060 && c <= 0x206F) ||                 // joiners, isolates
         c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||  // byte order mark, annotations
         (c >= 0xE0000 && c <= 0xE0FFF);                 // tags, variation selectors
}

}  // namespace

std::string PrintableName(std::string_view name) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (std::all_of(name.begin(), name.end(), plain)) return std::string(name);
  std::string printable;
  printable.reserve(name.size());
  while (!name.empty()) {
    uint32_t code_point = 0;
    const size_t length = DecodeUtf8(name, &code_point);
    if (length > 0 && !IsDeceptive(code_point)) {
      printable.append(name.substr(0, length));
      name.remove_prefix(length);
      continue;
    }
    const size_t escaped = length > 0 ? length : 1;
    for (size_t i = 0; i < escaped; ++i) {
      char hex[5];
      std::snprintf(hex, sizeof hex, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(name[i])));
      printable.append(hex);
    }
    name.remove_prefix(escaped);
  }
  return printable;
}

}  // namespace fleetqshape
