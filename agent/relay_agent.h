// The loop for one relay: look at its queue, report what changed to each aggregator.
#ifndef FLEETQSHAPE_AGENT_RELAY_AGENT_H_
#define FLEETQSHAPE_AGENT_RELAY_AGENT_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/aggregator_link.h"
#include "agent/options.h"
#include "agent/postfix/settings.h"
#include "agent/watch/queue_model.h"
#include "agent/watch/queue_tracker.h"
#include "common/base/clock.h"
#include "common/base/file_descriptor.h"
#include "common/base/mutex.h"

namespace fleetqshape {

// How it goes with a relay.
struct RelayHealth {
  uint64_t messages = 0;
  bool looked = false;    // at its queue, well or not
  bool complete = false;  // the whole queue was seen, the last time
  // By aggregator: it takes what is reported.
  std::vector<bool> reporting;
};

// Run is for one thread; the others may be called from any, once Run began or before.
class RelayAgent {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `clock` outlives the agent. `random` gives random 64-bit numbers.
  RelayAgent(const AgentOptions& options, const RelayOptions& relay, const Clock* clock,
             std::function<uint64_t()> random);

  // Returns after Stop.
  void Run();
  void Stop();

  // What Postfix is configured to do.
  void SetSettings(const PostfixSettings& settings);
  RelayHealth health() const;
  // When the loop last showed that it goes on.
  TimePoint last_alive() const { return TimePoint(TimePoint::duration(last_alive_.load())); }

 private:
  // Wakes the loop: a link has to advance.
  void Wake();
  // False if the loop is to end.
  bool ShowAlive();
  // Waits for Wake, SetSettings, Stop or NextDeadline, and takes in what happens in the queue.
  // False after Stop.
  bool WaitForEvents();
  void WaitForDescriptors(TimePoint deadline);
  void TakeSettings();
  void LookAtQueue();
  void WarnOfModes(const FileCounts& counts);
  void AdvanceLinks();
  void LogSummary() const;
  TimePoint NextDeadline() const;

  const AgentOptions options_;
  const RelayOptions relay_;
  QueueModel model_;
  QueueTracker tracker_;

  TimePoint next_drain_;          // events of the queue wait until then
  bool saw_whole_queue_ = false;  // at least once
  bool warned_of_modes_ = false;
  std::string last_pass_problem_;  // logged once

  std::atomic<TimePoint::rep> last_alive_;
  const FileDescriptor wake_;  // an eventfd
  mutable Mutex mutex_;
  bool woken_ FQS_GUARDED_BY(mutex_) = false;
  std::optional<PostfixSettings> new_settings_ FQS_GUARDED_BY(mutex_);
  RelayHealth health_ FQS_GUARDED_BY(mutex_);
  bool stopping_ FQS_GUARDED_BY(mutex_) = false;

  std::vector<std::unique_ptr<AggregatorLink>> links_;  // last: they wake the loop
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_RELAY_AGENT_H_
