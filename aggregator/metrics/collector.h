// Reads the aggregator's counters for its metrics.
#ifndef FLEETQSHAPE_AGGREGATOR_METRICS_COLLECTOR_H_
#define FLEETQSHAPE_AGGREGATOR_METRICS_COLLECTOR_H_

#include <cstdint>

#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/ingest/ingest_sessions.h"
#include "aggregator/metrics/metrics_text.h"
#include "aggregator/query/query_engine.h"

namespace fleetqshape {

// Keeps nothing itself. Safe for use by several threads.
class Collector {
 public:
  // All outlive the collector. `started_milliseconds`: on the wall clock.
  Collector(const Fleet* fleet, const IngestEngine* ingest, const IngestSessions* sessions,
            const QueryEngine* query, int64_t started_milliseconds)
      : fleet_(*fleet),
        ingest_(*ingest),
        sessions_(*sessions),
        query_(*query),
        started_milliseconds_(started_milliseconds) {}

  // As they are now; waits for no disk.
  MetricValues Read() const {
    return {.engine = ingest_.counters(),
            .sessions = sessions_.counters(),
            .relays = query_.CountRelays(),
            .store_works = fleet_.problem().empty(),
            .started_milliseconds = started_milliseconds_};
  }

 private:
  const Fleet& fleet_;
  const IngestEngine& ingest_;
  const IngestSessions& sessions_;
  const QueryEngine& query_;
  const int64_t started_milliseconds_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_METRICS_COLLECTOR_H_
