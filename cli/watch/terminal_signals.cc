#include "cli/watch/terminal_signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <initializer_list>

namespace fleetqshape {
namespace {

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

TerminalSignals::TerminalSignals() {
  const sigset_t set = SetOf({SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH});
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  descriptor_ = FileDescriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

TerminalSignals::~TerminalSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int TerminalSignals::Next() {
  signalfd_siginfo info{};
  if (read(descriptor_.get(), &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) return 0;
  return static_cast<int>(info.ssi_signo);
}

void LetSignalHappen(int signal) {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  struct sigaction before {};
  sigaction(signal, &by_default, &before);
  const sigset_t set = SetOf({signal});
  sigset_t mask;
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &set, &mask);
  // It has happened.
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  sigaction(signal, &before, nullptr);
}

}  // namespace fleetqshape
