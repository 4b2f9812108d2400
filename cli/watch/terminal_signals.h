// What happens to a program that has taken a terminal: signals as something to be read.
#ifndef FLEETQSHAPE_CLI_WATCH_TERMINAL_SIGNALS_H_
#define FLEETQSHAPE_CLI_WATCH_TERMINAL_SIGNALS_H_

#include <csignal>

#include "common/base/file_descriptor.h"

namespace fleetqshape {

// Keeps SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT and SIGWINCH from this thread, and from all that
// are started after it.
class TerminalSignals {
 public:
  TerminalSignals();
  // Then they are what they were before; one that came and was not read happens now.
  ~TerminalSignals();
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;

  // Readable when there is one; -1 if the system gives none.
  int descriptor() const { return descriptor_.get(); }
  // Takes the next one; 0: there is none.
  int Next();

 private:
  sigset_t before_{};
  FileDescriptor descriptor_;
};

// Ends this process by that signal, or stops it, as if nobody had taken the signal. Returns if it
// was stopped and goes on.
void LetSignalHappen(int signal);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_TERMINAL_SIGNALS_H_
