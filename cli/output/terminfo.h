// What terminfo(5) knows of standard output's terminal, by TERM.
#ifndef FLEETQSHAPE_CLI_OUTPUT_TERMINFO_H_
#define FLEETQSHAPE_CLI_OUTPUT_TERMINFO_H_

#include <string>

namespace fleetqshape {

// How many colours it has; 0 if it has none or is not known.
int TerminalColors();

// Whether it is known, and can be drawn upon in any place.
bool CanMoveCursor();

// The bytes that clear it, as clear(1) prints them: the screen, and the lines that scrolled off it
// where the terminal can. Empty if it is not known.
std::string ClearSequence();

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_TERMINFO_H_
