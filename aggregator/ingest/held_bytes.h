// A bound on what the reports under way may take, over all streams.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_HELD_BYTES_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_HELD_BYTES_H_

#include <cstddef>
#include <deque>
#include <functional>

#include "common/base/mutex.h"

namespace fleetqshape {

// Reports are admitted in the order in which they ask, each with all the bytes that it will have:
// none is begun that could not be ended. Safe for use by several threads.
class HeldBytes {
 public:
  explicit HeldBytes(size_t limit) : limit_(limit) {}

  // True: `bytes`, at most the limit, are held until Release. False: they are not, but `admitted`
  // will be called once they are, from a thread that calls Release.
  bool Hold(size_t bytes, std::function<void()> admitted);
  // Gives back what a Hold got. May be called from within `admitted`.
  void Release(size_t bytes);

  size_t held() const;
  // How many wait to be admitted.
  size_t waiting() const;

 private:
  struct Waiting {
    size_t bytes;
    std::function<void()> admitted;
  };

  const size_t limit_;
  mutable Mutex mutex_;
  size_t held_ FQS_GUARDED_BY(mutex_) = 0;
  std::deque<Waiting> waiting_ FQS_GUARDED_BY(mutex_);
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_HELD_BYTES_H_
