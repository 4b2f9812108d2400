// SIGTERM and SIGINT, as a request to stop.
#ifndef FLEETQSHAPE_COMMON_BASE_SIGNALS_H_
#define FLEETQSHAPE_COMMON_BASE_SIGNALS_H_

#include <atomic>
#include <functional>
#include <thread>

namespace fleetqshape {

// Create it early in main, before any other thread: from then on SIGTERM and SIGINT don't end the
// program but call `on_stop`, once, from a thread of its own, and not after the destructor. So what
// `on_stop` uses is to be created before it. SIGPIPE is ignored.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Starts listening.
  void Start(std::function<void()> on_stop);

 private:
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_SIGNALS_H_
