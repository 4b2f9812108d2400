// What a report makes of a relay's state.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_APPLIER_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_APPLIER_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/store/store.h"
#include "fleetqshape/v1/report.pb.h"

namespace fleetqshape {

// The state after a report, and what has to be written for it. What the record says of the relay
// beside its reports is the caller's to fill in.
struct AppliedReport {
  std::shared_ptr<const RelayState> state;
  // What the report changed, but for `before`, which is the caller's; empty for a snapshot.
  StateChange change;
  RelayWrite write;
  uint64_t cells = 0;  // arrivals gained and lost
};

// What a relay may have: far more than any queue has, and little enough that a section can always
// be numbered, and written as one value.
struct StateLimits {
  size_t section_arrivals = 100'000'000;
  size_t names = 20'000'000;  // of an epoch
};

// Applies a report whose sequence is known to follow. The report's names are in
// `names` as long as the new state. INVALID_ARGUMENT: the report is malformed, or leads beyond the
// limits; FAILED_PRECONDITION: it does not fit the state; DATA_LOSS: its digest is not that of the
// state that it leads to. The report's names and sections move to the write.
absl::StatusOr<AppliedReport> ApplyReport(RelayId relay, const RelayState& state,
                                          v1::PackedReport* report, FleetNames* names,
                                          const StateLimits& limits = StateLimits());

// The state of a relay that was loaded from the store. DATA_LOSS if its digest is not the stored
// one, or a section uses a name that is not there.
absl::StatusOr<std::shared_ptr<const RelayState>> StateOfLoaded(const LoadedRelay& loaded,
                                                                FleetNames* names);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_REPORT_APPLIER_H_
