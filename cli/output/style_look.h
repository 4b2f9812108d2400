// How styles look on a terminal with 256 colours.
#ifndef FLEETQSHAPE_CLI_OUTPUT_STYLE_LOOK_H_
#define FLEETQSHAPE_CLI_OUTPUT_STYLE_LOOK_H_

#include "cli/output/screen_text.h"

namespace fleetqshape {

// Colours are numbers of the 256; -1: the terminal's own.
struct StyleLook {
  bool bold = false;
  short foreground = -1;
  short background = -1;
};

// Little mail keeps the terminal's own background, whether it is light or dark; the most stands out
// on red.
StyleLook LookOf(Style style);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_STYLE_LOOK_H_
