#include "aggregator/ingest/reconcile.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "aggregator/ingest/report_applier.h"
#include "aggregator/ingest/whole_state.h"
#include "common/base/status_macros.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// So many relays are written at a time: the log and the memory for them stay small.
constexpr size_t kWritesAtATime = 64;

absl::Status WriteInParts(const std::vector<RelayView>& relays, const std::vector<RelayId>& unknown,
                          const FleetNames& names, Store* store) {
  std::vector<RelayWrite> writes;
  for (RelayId relay : unknown) {
    writes.emplace_back().relay = relay;
    writes.back().forget = true;
  }
  for (const RelayView& view : relays) {
    writes.push_back(WriteOfState(view, names));
    if (writes.size() < kWritesAtATime) continue;
    FQS_RETURN_IF_ERROR(store->Apply(writes));
    writes.clear();
  }
  return writes.empty() ? absl::OkStatus() : store->Apply(writes);
}

}  // namespace

absl::StatusOr<Reconciled> Reconcile(
    const std::map<RelayId, std::pair<uint64_t, uint64_t>>& uncertain, Store* store, Fleet* fleet) {
  Reconciled done;
  std::map<RelayId, RelayView> memory;
  for (RelayView& view : fleet->Snapshot()) memory.emplace(view.id, std::move(view));
  std::set<RelayId> same;
  std::vector<RelayId> unknown;
  const auto wanted = [&](RelayId relay, const v1::StoredRelay& record) {
    const auto known = memory.find(relay);
    if (known == memory.end()) {
      unknown.push_back(relay);
      return false;
    }
    const std::pair stored{record.epoch(), record.sequence()};
    if (stored == std::pair{known->second.state->epoch, known->second.state->sequence}) {
      same.insert(relay);
      return false;
    }
    const auto batch = uncertain.find(relay);
    return batch != uncertain.end() && batch->second == stored;
  };
  const auto visit = [&](const LoadedRelay& loaded, const absl::Status& problem) {
    if (!problem.ok()) return;  // memory knows better
    const auto state = StateOfLoaded(loaded, &fleet->names());
    if (!state.ok()) return;
    fleet->SetState(loaded.relay, *state);
    same.insert(loaded.relay);
    ++done.landed;
  };
  FQS_RETURN_IF_ERROR(store->Load(wanted, visit));
  // A store that came upon damage was written anew meanwhile, maybe without some of these.
  same.clear();
  unknown.clear();
  for (RelayView& view : fleet->Snapshot()) memory[view.id] = std::move(view);
  FQS_RETURN_IF_ERROR(store->Load(wanted, visit));

  std::vector<RelayView> lost;
  for (const auto& [id, view] : memory) {
    // One that never reported need not be stored.
    const bool told = view.state->epoch != 0 || view.state->damaged;
    if (told && !same.contains(id)) lost.push_back(view);
  }
  for (const RelayView& view : lost) {
    spdlog::warn("relay {}: the store has not what was acknowledged: it is written again",
                 view.description->identity.ToString());
  }
  done.rewritten = lost.size();
  FQS_RETURN_IF_ERROR(WriteInParts(lost, unknown, fleet->names(), store));
  return done;
}

}  // namespace fleetqshape
