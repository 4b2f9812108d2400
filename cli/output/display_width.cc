#include "cli/output/display_width.h"

#include <unistr.h>
#include <uniwidth.h>

#include <algorithm>
#include <cstdint>

namespace fleetqshape {
namespace {

struct Character {
  size_t bytes;
  size_t columns;
};

bool IsPlain(char c) { return c >= 0x20 && c < 0x7F; }

// The first character of `text`, which is not empty. What is no character takes a column a byte.
Character FirstCharacter(std::string_view text) {
  if (IsPlain(text[0])) return {1, 1};
  ucs4_t character = 0;
  const int bytes =
      u8_mbtoucr(&character, reinterpret_cast<const uint8_t*>(text.data()), text.size());
  if (bytes <= 0) return {1, 1};
  const int columns = uc_width(character, "UTF-8");
  return {static_cast<size_t>(bytes), columns < 0 ? 1 : static_cast<size_t>(columns)};
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), IsPlain)) return text.size();
  size_t columns = 0;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    columns += character.columns;
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string_view FirstColumns(std::string_view text, size_t columns) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const Character character = FirstCharacter(text.substr(bytes));
    if (character.columns > columns) break;
    columns -= character.columns;
    bytes += character.bytes;
  }
  return text.substr(0, bytes);
}

std::string_view LastColumns(std::string_view text, size_t columns) {
  size_t width = DisplayWidth(text);
  while (width > columns) {
    const Character character = FirstCharacter(text);
    width -= character.columns;
    text.remove_prefix(character.bytes);
  }
  // What is left of a character that is gone.
  while (!text.empty() && FirstCharacter(text).columns == 0) {
    text.remove_prefix(FirstCharacter(text).bytes);
  }
  return text;
}

std::string RightJustifiedName(std::string_view text, size_t columns) {
  if (DisplayWidth(text) <= columns) return PadLeft(text, columns);
  const std::string_view mark = text.starts_with('.') && columns > 1 ? ".+" : "+";
  // A wide character may leave a column empty.
  const std::string_view end = LastColumns(text, columns - std::min(mark.size(), columns));
  return PadLeft(std::string(mark).append(end), columns);
}

std::string PadLeft(std::string_view text, size_t columns) {
  const size_t width = DisplayWidth(text);
  std::string padded(width < columns ? columns - width : 0, ' ');
  padded.append(text);
  return padded;
}

std::string PadRight(std::string_view text, size_t columns) {
  const size_t width = DisplayWidth(text);
  std::string padded(text);
  padded.append(width < columns ? columns - width : 0, ' ');
  return padded;
}

}  // namespace fleetqshape
