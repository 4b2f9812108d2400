#include "common/base/signals.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace fleetqshape {
namespace {

// Ends the listening thread when the program ends for another reason than a signal.
constexpr int kEndListening = SIGUSR2;

sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, kEndListening);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t set = StopSet();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  if (!thread_.joinable()) return;
  ending_ = true;
  pthread_kill(thread_.native_handle(), kEndListening);
  thread_.join();
}

void StopSignals::Start(std::function<void()> on_stop) {
  thread_ = std::thread([this, on_stop = std::move(on_stop)] {
    const sigset_t set = StopSet();
    int signal = 0;
    // Whoever else sends that signal gets no answer.
    while (sigwait(&set, &signal) != 0 || (signal == kEndListening && !ending_)) {
    }
    if (!ending_) on_stop();
  });
}

}  // namespace fleetqshape
