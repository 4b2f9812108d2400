// How many columns of a terminal a text takes: two a character in East Asian scripts and most
// emoji, none a combining mark, whatever the locale is.
#ifndef FLEETQSHAPE_CLI_OUTPUT_DISPLAY_WIDTH_H_
#define FLEETQSHAPE_CLI_OUTPUT_DISPLAY_WIDTH_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace fleetqshape {

// `text` is printable (base/printable.h).
size_t DisplayWidth(std::string_view text);

// The longest start of `text` that takes at most so many columns, and the longest end.
std::string_view FirstColumns(std::string_view text, size_t columns);
std::string_view LastColumns(std::string_view text, size_t columns);

// `text` in exactly so many columns (one at least): filled with spaces at the left, or cut at the
// left and marked with a plus, as qshape does; a name that starts with a dot keeps it before the
// plus.
std::string RightJustifiedName(std::string_view text, size_t columns);

// `text` with spaces before or after it, if it takes less than so many columns.
std::string PadLeft(std::string_view text, size_t columns);
std::string PadRight(std::string_view text, size_t columns);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_DISPLAY_WIDTH_H_
