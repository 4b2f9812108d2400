#include "cli/local/terminal.h"

#include <unistd.h>
// Last: these headers define macros with short names.
#include <curses.h>
#include <term.h>

namespace fleetqshape {
namespace {

std::string Capability(const char* name) {
  char* const value = tigetstr(name);
  // terminfo(3): null if absent, -1 if the name is none.
  if (value == nullptr || value == reinterpret_cast<char*>(-1)) return "";
  return value;
}

}  // namespace

std::string ClearSequence() {
  int error = 0;
  if (setupterm(nullptr, STDOUT_FILENO, &error) != OK) return "";
  return Capability("clear") + Capability("E3");
}

}  // namespace fleetqshape
