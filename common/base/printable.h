// Names from the mail, made fit to be shown. A spammer chooses the domain names that stand in a
// queue; shown raw they can move a terminal's cursor, forge a row or reorder a line.
#ifndef FLEETQSHAPE_COMMON_BASE_PRINTABLE_H_
#define FLEETQSHAPE_COMMON_BASE_PRINTABLE_H_

#include <string>
#include <string_view>

namespace fleetqshape {

// `name` with each byte of a control character (C0, DEL, C1), of invalid UTF-8 and of characters
// that change the direction, join or hide text (bidirectional controls, zero-width characters,
// line and paragraph separators) as \xNN; all else as it is. A name of ordinary characters comes
// back unchanged, byte for byte.
std::string PrintableName(std::string_view name);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_PRINTABLE_H_
