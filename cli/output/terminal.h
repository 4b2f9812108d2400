// What standard output is.
#ifndef FLEETQSHAPE_CLI_OUTPUT_TERMINAL_H_
#define FLEETQSHAPE_CLI_OUTPUT_TERMINAL_H_

#include <cstddef>

#include "cli/options.h"

namespace fleetqshape {

struct Terminal {
  bool is_terminal = false;
  size_t columns = 0;  // 0: unknown, or no terminal
  bool color = false;  // whether colour is to be used
};

// --color=auto means colour on a terminal that has 256 colours (terminfo, or COLORTERM), unless
// NO_COLOR is set in the environment (https://no-color.org).
Terminal StandardOutput(Color color);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_TERMINAL_H_
