// Asks in a thread of its own, one question at a time: keys stay quick while an aggregator hangs.
#ifndef FLEETQSHAPE_CLI_WATCH_ASKER_H_
#define FLEETQSHAPE_CLI_WATCH_ASKER_H_

#include <functional>
#include <optional>
#include <thread>

#include "absl/status/statusor.h"
#include "cli/watch/watch_model.h"
#include "common/base/file_descriptor.h"
#include "common/base/mutex.h"

namespace fleetqshape {

// Its methods are for one thread.
class Asker {
 public:
  struct Outcome {
    WatchRequest request;
    absl::StatusOr<WatchAnswer> answer;
  };
  using Ask = std::function<absl::StatusOr<WatchAnswer>(const WatchRequest& request)>;

  // `ask` is called in the other thread. `cancel` is called in this one, at the end: it lets an
  // `ask` under way return soon.
  Asker(Ask ask, std::function<void()> cancel);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  // True: a question was given that has no outcome yet.
  bool busy() const { return busy_; }
  // It must not be busy.
  void Start(WatchRequest request);
  // What came of it, once.
  std::optional<Outcome> Take();
  // Readable when there is an outcome to take; -1 if the system gives none.
  int wake_descriptor() const { return wake_.get(); }

 private:
  void Run();

  const Ask ask_;
  const std::function<void()> cancel_;
  const FileDescriptor wake_;
  bool busy_ = false;

  Mutex mutex_;
  ConditionVariable changed_;
  bool ending_ FQS_GUARDED_BY(mutex_) = false;
  std::optional<WatchRequest> request_ FQS_GUARDED_BY(mutex_);
  std::optional<Outcome> outcome_ FQS_GUARDED_BY(mutex_);

  std::thread thread_;  // last: it uses the others
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_ASKER_H_
