// What becomes of a report, before any of it is written.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_STAGER_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_STAGER_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/relay_registry.h"
#include "aggregator/ingest/report_applier.h"
#include "aggregator/store/store.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/report.pb.h"

namespace fleetqshape {

// What an agent is told of its report: an acknowledgement, a request for a snapshot, or an error.
using ReportOutcome = absl::StatusOr<v1::AggregatorMessage>;

// An acknowledgement of the report with this epoch and sequence.
v1::AggregatorMessage Acknowledge(uint64_t epoch, uint64_t sequence);

struct StagedReport {
  enum class Kind {
    kApplied,     // it leads to a new state, and is to be written
    kDuplicate,   // it was applied before
    kRefused,     // it does not follow, or does not fit: a snapshot is asked for
    kMismatched,  // the same, since its digest is another
    kInvalid,     // it is none, or its relay is gone
  };

  RelayId relay = 0;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  Kind kind = Kind::kInvalid;
  std::optional<ReportOutcome> answer;  // unless it is applied
  // If it is: with what is to be written, and the state that it builds on.
  AppliedReport applied;
  // When the record that is to be written says that the relay was heard of, in monotonic
  // milliseconds.
  int64_t heard_milliseconds = 0;
};

// Applies a report to its relay's state in the fleet, which stays as it is. `relay` is 0, which is
// no relay's, if its agent has come back by another stream. For one report of a relay at a time;
// safe for use by several threads with those of different relays.
StagedReport StageReport(RelayId relay, v1::PackedReport report, const RelayRegistry& registry,
                         Fleet* fleet);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_STAGER_H_
