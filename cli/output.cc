#include "cli/output.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "common/options/layered_options.h"

namespace fleetqshape {

bool PrintText(std::string_view text) {
  const size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return true;
  if (errno == EPIPE) {
    // What other filters end of. It is ignored till now for the sake of the sockets.
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  PrintError("fleetqshape", std::string("cannot write the answer: ") + std::strerror(errno));
  return false;
}

}  // namespace fleetqshape
