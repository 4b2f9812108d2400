#include "aggregator/ingest/held_bytes.h"

#include <utility>
#include <vector>

namespace fleetqshape {

bool HeldBytes::Hold(size_t bytes, std::function<void()> admitted) {
  MutexLock lock(mutex_);
  if (waiting_.empty() && bytes <= limit_ - held_) {
    held_ += bytes;
    return true;
  }
  waiting_.push_back({bytes, std::move(admitted)});
  return false;
}

void HeldBytes::Release(size_t bytes) {
  std::vector<std::function<void()>> admitted;
  {
    MutexLock lock(mutex_);
    held_ -= bytes;
    while (!waiting_.empty() && waiting_.front().bytes <= limit_ - held_) {
      held_ += waiting_.front().bytes;
      admitted.push_back(std::move(waiting_.front().admitted));
      waiting_.pop_front();
    }
  }
  for (const auto& call : admitted) call();
}

size_t HeldBytes::held() const {
  MutexLock lock(mutex_);
  return held_;
}

size_t HeldBytes::waiting() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

}  // namespace fleetqshape
