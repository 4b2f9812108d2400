#include "aggregator/ingest/load_fleet.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "aggregator/ingest/relay_records.h"
#include "aggregator/ingest/report_applier.h"
#include "common/base/free_memory.h"
#include "common/base/status_macros.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

class FleetLoader {
 public:
  FleetLoader(const Clock& clock, RelayRegistry* registry, Fleet* fleet)
      : clock_(clock), registry_(*registry), fleet_(*fleet) {}

  void Add(const LoadedRelay& loaded, const absl::Status& problem) {
    const RelayId id = loaded.relay;
    const auto description = DescriptionOf(loaded.record);
    if (description->identity.host.empty()) {
      spdlog::error("stored relay {} can't be read ({}): it is left out", id,
                    std::string(problem.message()));
      registry_.TakeNumber(id);
      LeaveOut(id);
      return;
    }
    const Moment heard = HeardOf(loaded.record);
    // Where files were damaged, a relay that was forgotten may be back. It must not count twice.
    if (const auto twice = registry_.AddStored(id, description, heard,
                                               loaded.record.clock_offset_milliseconds())) {
      spdlog::error("relay {} is stored twice: what was heard of earlier, number {}, is left out",
                    description->identity.ToString(), *twice);
      LeaveOut(*twice);
      if (*twice == id) return;
    }
    const auto state = problem.ok() ? StateOfLoaded(loaded, &fleet_.names()) : problem;
    if (state.ok()) {
      fleet_.SetState(id, *state);
      done_.heard_milliseconds[id] = heard.monotonic_milliseconds;
      return;
    }
    spdlog::error(
        "the stored state of relay {} is damaged ({}): it starts from nothing, and its agent will "
        "be asked for a snapshot",
        description->identity.ToString(), std::string(state.status().message()));
    auto nothing = EmptyRelayState();
    nothing->damaged = true;
    fleet_.SetState(id, std::move(nothing));
    ++done_.damaged;
  }

  LoadedFleet TakeDone() { return std::move(done_); }

 private:
  Moment HeardOf(const v1::StoredRelay& record) const {
    const Moment now = clock_.Now();
    const int64_t silent =
        std::max<int64_t>(now.wall_milliseconds - record.heard_milliseconds(), 0);
    return {record.heard_milliseconds(), now.monotonic_milliseconds - silent};
  }

  void LeaveOut(RelayId id) {
    done_.heard_milliseconds.erase(id);
    done_.left_out.push_back(id);
    ++done_.damaged;
  }

  const Clock& clock_;
  RelayRegistry& registry_;
  Fleet& fleet_;
  LoadedFleet done_;
};

}  // namespace

absl::StatusOr<LoadedFleet> LoadFleet(const Clock& clock, absl::FunctionRef<bool()> stopping,
                                      RecoveringStore* store, RelayRegistry* registry,
                                      Fleet* fleet) {
  FleetLoader loader(clock, registry, fleet);
  bool stopped = false;
  const auto wanted = [&](RelayId, const v1::StoredRelay&) {
    stopped = stopped || stopping();
    return !stopped;
  };
  FQS_RETURN_IF_ERROR(
      store->Load(wanted, [&](const LoadedRelay& loaded, const absl::Status& problem) {
        if (!stopped) loader.Add(loaded, problem);
      }));
  if (stopped) return absl::CancelledError("stopped before the fleet was read");
  ReturnFreeMemory();  // what it took to read the store
  return loader.TakeDone();
}

}  // namespace fleetqshape
