// Styled text as bytes for a terminal.
#ifndef FLEETQSHAPE_CLI_OUTPUT_ANSI_H_
#define FLEETQSHAPE_CLI_OUTPUT_ANSI_H_

#include <string>

#include "cli/output/screen_text.h"

namespace fleetqshape {

// The lines with the escape sequences of a terminal with 256 colours around each span that is not
// plain. Without them it is PlainText, byte for byte.
std::string AnsiText(const ScreenText& text);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_ANSI_H_
