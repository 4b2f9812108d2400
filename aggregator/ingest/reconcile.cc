#include "aggregator/ingest/reconcile.h"

#include <map>
#include <utility>
#include <vector>

#include "aggregator/ingest/whole_state.h"
#include "common/base/status_macros.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// So many relays are written at a time: the log and the memory for them stay small.
constexpr size_t kWritesAtATime = 64;

struct Difference {
  std::map<RelayId, RelayView> lost;  // the store has something else of them, or nothing
  std::vector<RelayId> unknown;       // the fleet has nothing of them
};

absl::StatusOr<Difference> Compare(const Fleet& fleet, Store* store) {
  Difference difference;
  for (RelayView& view : fleet.Snapshot()) {
    // One that never reported is not stored.
    if (view.state->epoch != 0 || view.state->damaged) {
      difference.lost.emplace(view.id, std::move(view));
    }
  }
  // Its record says enough of a relay.
  const auto compare = [&](RelayId relay, const v1::StoredRelay& record) {
    const auto known = difference.lost.find(relay);
    if (known == difference.lost.end()) {
      difference.unknown.push_back(relay);
    } else if (std::pair(record.epoch(), record.sequence()) ==
               std::pair(known->second.state->epoch, known->second.state->sequence)) {
      difference.lost.erase(known);
    }
    return false;
  };
  const auto visit_unreadable = [&](const LoadedRelay& loaded, const absl::Status&) {
    if (!difference.lost.contains(loaded.relay)) difference.unknown.push_back(loaded.relay);
  };
  FQS_RETURN_IF_ERROR(store->Load(compare, visit_unreadable));
  return difference;
}

absl::Status WriteInParts(const Difference& difference, const FleetNames& names, Store* store) {
  std::vector<RelayWrite> writes;
  for (const RelayId relay : difference.unknown) {
    writes.emplace_back().relay = relay;
    writes.back().forget = true;
  }
  for (const auto& [relay, view] : difference.lost) {
    writes.push_back(WriteOfState(view, names));
    if (writes.size() < kWritesAtATime) continue;
    FQS_RETURN_IF_ERROR(store->Apply(writes));
    writes.clear();
  }
  return writes.empty() ? absl::OkStatus() : store->Apply(writes);
}

}  // namespace

absl::StatusOr<size_t> Reconcile(const Fleet& fleet, Store* store) {
  // A store that comes upon damage while it is read writes itself anew, maybe without some of the
  // relays that it has just told of. What it tells after that is true.
  FQS_RETURN_IF_ERROR(Compare(fleet, store).status());
  FQS_ASSIGN_OR_RETURN(const Difference difference, Compare(fleet, store));
  for (const auto& [relay, view] : difference.lost) {
    spdlog::warn("relay {}: the store has not what memory has: it is written again",
                 view.description->identity.ToString());
  }
  FQS_RETURN_IF_ERROR(WriteInParts(difference, fleet.names(), store));
  return difference.lost.size() + difference.unknown.size();
}

}  // namespace fleetqshape
