// What can be done with a terminal.
#ifndef FLEETQSHAPE_CLI_LOCAL_TERMINAL_H_
#define FLEETQSHAPE_CLI_LOCAL_TERMINAL_H_

#include <string>

namespace fleetqshape {

// The bytes that clear standard output's terminal, as clear(1) prints them: the screen, and the
// lines that scrolled off it where the terminal can. Empty if the terminal is not known.
std::string ClearSequence();

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_LOCAL_TERMINAL_H_
