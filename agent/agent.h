// The agent's loop: look at the queue, report what changed.
#ifndef FLEETQSHAPE_AGENT_AGENT_H_
#define FLEETQSHAPE_AGENT_AGENT_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "agent/backoff.h"
#include "agent/options.h"
#include "agent/report/report_session.h"
#include "agent/rpc/ingest_client.h"
#include "agent/watch/queue_lister.h"
#include "agent/watch/queue_model.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"

namespace fleetqshape {

// Run is for one thread; Stop may be called from any, once Run began or before.
class Agent {
 public:
  // `clock` outlives the agent. `random` gives random 64-bit numbers.
  Agent(const AgentOptions& options, const Clock* clock, std::function<uint64_t()> random);

  // Returns after Stop.
  void Run();
  void Stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  // From gRPC's threads to the loop: a message, or the stream's end.
  using Event = std::variant<v1::AggregatorMessage, absl::Status>;

  void Post(Event event);
  // Waits for an event, Stop or `deadline`. False after Stop.
  bool WaitForEvents(TimePoint deadline, std::deque<Event>* events);
  void Handle(const Event& event);
  void LookAtQueue();
  void Connect();
  TimePoint NextDeadline() const;

  const AgentOptions options_;
  const Clock& clock_;
  QueueModel model_;
  QueueLister lister_;
  ReportSession session_;
  Backoff backoff_;

  TimePoint next_pass_;
  TimePoint next_connect_;
  bool saw_whole_queue_ = false;   // at least once
  bool connected_ = false;         // a stream is open, or being opened
  std::string last_pass_problem_;  // logged once
  std::string last_stream_problem_;

  Mutex mutex_;
  ConditionVariable condition_;
  std::deque<Event> events_ FQS_GUARDED_BY(mutex_);
  bool stopping_ FQS_GUARDED_BY(mutex_) = false;

  IngestClient client_;  // last: its events use all of the above
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_AGENT_H_
