// A bound on what the reports under way may take, over all streams.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_HELD_BYTES_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_HELD_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

#include "common/base/mutex.h"

namespace fleetqshape {

// Reports are admitted in the order in which they ask, each with all the bytes that it will have:
// none is begun that could not be ended. Safe for use by several threads.
class HeldBytes {
 public:
  // One who waits to be admitted. No two are the same; 0 is nobody's.
  using Ticket = uint64_t;

  explicit HeldBytes(size_t limit) : limit_(limit) {}

  // True: `bytes`, at most the limit, are held until Release. False: they are not, but `admitted`
  // will be called once they are, from a thread that calls Release or Withdraw, and without a lock;
  // `*ticket` is set before that may happen. Those calls come one at a time, in the order of the
  // tickets.
  bool Hold(size_t bytes, std::function<void()> admitted, Ticket* ticket);
  // Gives back what a Hold got. May be called from within `admitted`.
  void Release(size_t bytes);
  // Who waits wants it no more: `admitted` will never be called. False: it was or will be.
  bool Withdraw(Ticket ticket);

  size_t held() const;
  // How many wait to be admitted.
  size_t waiting() const;

 private:
  struct Waiting {
    size_t bytes;
    std::function<void()> admitted;
  };

  // Admits those who wait, as far as there is room. Of several threads that come here, and of calls
  // within each other, one does all the work: thousands of streams may end at once, and each ended
  // one that is admitted lets another one in.
  void AdmitWaiting();
  std::function<void()> TakeNextAdmitted();

  const size_t limit_;
  mutable Mutex mutex_;
  size_t held_ FQS_GUARDED_BY(mutex_) = 0;
  Ticket last_ticket_ FQS_GUARDED_BY(mutex_) = 0;
  std::map<Ticket, Waiting> waiting_ FQS_GUARDED_BY(mutex_);
  bool admitting_ FQS_GUARDED_BY(mutex_) = false;  // a thread is in AdmitWaiting
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_HELD_BYTES_H_
