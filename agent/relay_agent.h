// The loop for one relay: look at its queue, report what changed.
#ifndef FLEETQSHAPE_AGENT_RELAY_AGENT_H_
#define FLEETQSHAPE_AGENT_RELAY_AGENT_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "agent/backoff.h"
#include "agent/options.h"
#include "agent/postfix/settings.h"
#include "agent/report/report_session.h"
#include "agent/rpc/ingest_client.h"
#include "agent/watch/queue_model.h"
#include "agent/watch/queue_tracker.h"
#include "common/base/clock.h"
#include "common/base/file_descriptor.h"
#include "common/base/mutex.h"

namespace fleetqshape {

// How it goes with a relay.
struct RelayHealth {
  uint64_t messages = 0;
  bool looked = false;     // at its queue, well or not
  bool complete = false;   // the whole queue was seen, the last time
  bool reporting = false;  // an aggregator takes what is reported
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
  // To the loop from other threads: a message, the stream's end, or new settings.
  using Event = std::variant<v1::AggregatorMessage, absl::Status, PostfixSettings>;

  void Post(Event event);
  // Wakes the loop.
  void Wake();
  // False if the loop is to end.
  bool ShowAlive();
  // Waits for events, Stop or NextDeadline, and takes in what happens in the queue. False after
  // Stop.
  bool WaitForEvents(std::deque<Event>* events);
  void WaitForDescriptors(TimePoint deadline);
  void Handle(const Event& event);
  void HandleMessage(const v1::AggregatorMessage& message);
  void HandleClosed(const absl::Status& status);
  void LookAtQueue();
  void WarnOfModes(const FileCounts& counts);
  void Connect();
  void LogSummary() const;
  TimePoint NextDeadline() const;

  const AgentOptions options_;
  const RelayOptions relay_;
  const Clock& clock_;
  QueueModel model_;
  QueueTracker tracker_;
  ReportSession session_;
  Backoff backoff_;

  TimePoint next_connect_;
  TimePoint next_drain_;          // events of the queue wait until then
  bool saw_whole_queue_ = false;  // at least once
  bool connected_ = false;        // a stream is open, or being opened
  bool warned_of_modes_ = false;
  std::string last_pass_problem_;  // logged once
  std::string last_stream_problem_;

  std::atomic<TimePoint::rep> last_alive_;
  const FileDescriptor wake_;  // an eventfd
  mutable Mutex mutex_;
  std::deque<Event> events_ FQS_GUARDED_BY(mutex_);
  RelayHealth health_ FQS_GUARDED_BY(mutex_);
  bool stopping_ FQS_GUARDED_BY(mutex_) = false;

  IngestClient client_;  // last: its events use all of the above
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_RELAY_AGENT_H_
