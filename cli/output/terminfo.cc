#include "cli/output/terminfo.h"

#include <unistd.h>

#include <algorithm>
// Last: these headers define macros with short names.
#include <curses.h>
#include <term.h>

namespace fleetqshape {
namespace {

bool IsKnown() {
  int error = 0;
  return setupterm(nullptr, STDOUT_FILENO, &error) == OK;
}

std::string Capability(const char* name) {
  char* const value = tigetstr(name);
  // terminfo(3): null if absent, -1 if the name is none.
  if (value == nullptr || value == reinterpret_cast<char*>(-1)) return "";
  return value;
}

}  // namespace

int TerminalColors() { return IsKnown() ? std::max(tigetnum("colors"), 0) : 0; }

bool CanMoveCursor() {
  return IsKnown() && !Capability("cup").empty() && !Capability("clear").empty();
}

std::string ClearSequence() { return IsKnown() ? Capability("clear") + Capability("E3") : ""; }

}  // namespace fleetqshape
