#include "cli/output/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/output/terminfo.h"

namespace fleetqshape {
namespace {

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// Terminals that can show more than what TERM says of them say so in COLORTERM.
bool HasEnoughColors() {
  const int colors = TerminalColors();
  return colors >= 256 || (colors >= 8 && IsSet("COLORTERM"));
}

}  // namespace

Terminal StandardOutput(Color color) {
  Terminal terminal;
  terminal.is_terminal = isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (terminal.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    terminal.columns = size.ws_col;
  }
  terminal.color = color == Color::kAlways || (color == Color::kAuto && terminal.is_terminal &&
                                               !IsSet("NO_COLOR") && HasEnoughColors());
  return terminal;
}

}  // namespace fleetqshape
