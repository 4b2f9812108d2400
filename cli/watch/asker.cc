#include "cli/watch/asker.h"

#include <sys/eventfd.h>

#include <utility>

namespace fleetqshape {

Asker::Asker(Ask ask, std::function<void()> cancel)
    : ask_(std::move(ask)),
      cancel_(std::move(cancel)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Run(); }) {}

Asker::~Asker() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.NotifyAll();
  cancel_();
  thread_.join();
}

void Asker::Start(WatchRequest request) {
  busy_ = true;
  {
    const MutexLock lock(mutex_);
    request_ = std::move(request);
  }
  changed_.NotifyAll();
}

std::optional<Asker::Outcome> Asker::Take() {
  eventfd_t count = 0;
  eventfd_read(wake_.get(), &count);
  const MutexLock lock(mutex_);
  if (outcome_) busy_ = false;
  return std::exchange(outcome_, std::nullopt);
}

void Asker::Run() {
  while (true) {
    std::optional<WatchRequest> request;
    {
      const MutexLock lock(mutex_);
      while (!ending_ && !request_) changed_.Wait(mutex_);
      if (ending_) return;
      request = std::exchange(request_, std::nullopt);
    }
    auto answer = ask_(*request);
    {
      const MutexLock lock(mutex_);
      outcome_.emplace(Outcome{*std::move(request), std::move(answer)});
    }
    eventfd_write(wake_.get(), 1);
  }
}

}  // namespace fleetqshape
