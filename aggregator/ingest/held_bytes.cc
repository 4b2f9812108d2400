#include "aggregator/ingest/held_bytes.h"

#include <utility>

namespace fleetqshape {

bool HeldBytes::Hold(size_t bytes, std::function<void()> admitted, Ticket* ticket) {
  MutexLock lock(mutex_);
  if (waiting_.empty() && bytes <= limit_ - held_) {
    held_ += bytes;
    return true;
  }
  *ticket = ++last_ticket_;
  waiting_.emplace(*ticket, Waiting{bytes, std::move(admitted)});
  return false;
}

void HeldBytes::Release(size_t bytes) {
  {
    MutexLock lock(mutex_);
    held_ -= bytes;
  }
  AdmitWaiting();
}

bool HeldBytes::Withdraw(Ticket ticket) {
  std::function<void()> withdrawn;  // goes after the lock, with all that it holds
  {
    MutexLock lock(mutex_);
    const auto found = waiting_.find(ticket);
    if (found == waiting_.end()) return false;
    withdrawn = std::move(found->second.admitted);
    waiting_.erase(found);
  }
  AdmitWaiting();  // the next one may want less
  return true;
}

void HeldBytes::AdmitWaiting() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(admitting_, true)) return;
  }
  while (const auto admitted = TakeNextAdmitted()) admitted();
}

std::function<void()> HeldBytes::TakeNextAdmitted() {
  MutexLock lock(mutex_);
  const auto next = waiting_.begin();
  if (next == waiting_.end() || next->second.bytes > limit_ - held_) {
    admitting_ = false;
    return nullptr;
  }
  held_ += next->second.bytes;
  std::function<void()> admitted = std::move(next->second.admitted);
  waiting_.erase(next);
  return admitted;
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
