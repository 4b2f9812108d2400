// What the aggregator tells of itself, in Prometheus' text format.
#ifndef FLEETQSHAPE_AGGREGATOR_METRICS_METRICS_TEXT_H_
#define FLEETQSHAPE_AGGREGATOR_METRICS_METRICS_TEXT_H_

#include <cstdint>
#include <string>

#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/ingest/ingest_sessions.h"
#include "aggregator/query/query_engine.h"

namespace fleetqshape {

// All values, as of about one moment.
struct MetricValues {
  IngestEngine::Counters engine;
  IngestSessions::Counters sessions;
  RelayCounts relays;
  bool store_works = true;
  int64_t started_milliseconds = 0;  // wall clock
};

// Names and labels are the program's own: nothing that came from an agent is in the text.
std::string MetricsText(const MetricValues& values);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_METRICS_METRICS_TEXT_H_
