// All streams of agents.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_SESSIONS_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_SESSIONS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ingest/held_bytes.h"
#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/ingest/ingest_session.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"

namespace fleetqshape {

// Safe for use by several threads.
class IngestSessions {
 public:
  struct Counters {
    size_t open = 0;        // now
    size_t held_bytes = 0;  // now, by reports under way
    size_t waiting = 0;     // now, reports that wait for others' ends
    uint64_t ended = 0;     // by this end, since the start: bad input, no room, trouble
  };

  // `engine` and `clock` outlive the sessions.
  IngestSessions(IngestEngine* engine, const Clock* clock, const IngestLimits& limits);

  // A stream begins. RESOURCE_EXHAUSTED: there are too many.
  absl::StatusOr<std::shared_ptr<IngestSession>> Open(
      std::string peer, std::shared_ptr<IngestSession::Transport> transport);
  // A stream was ended by this end. It is logged, but not again within a minute: an agent that is
  // refused comes back every other second.
  void LogEnd(const std::string& who, const absl::Status& status);
  // To be called about every second.
  void CheckDeadlines();

  Counters counters() const;

 private:
  IngestEngine& engine_;
  const Clock& clock_;
  const IngestLimits limits_;
  HeldBytes held_;

  mutable Mutex mutex_;
  std::list<std::weak_ptr<IngestSession>> sessions_ FQS_GUARDED_BY(mutex_);
  // When what was logged, in monotonic milliseconds.
  std::map<std::pair<std::string, absl::StatusCode>, int64_t> logged_ FQS_GUARDED_BY(mutex_);
  uint64_t ended_ FQS_GUARDED_BY(mutex_) = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_SESSIONS_H_
