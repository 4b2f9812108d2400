#include "simulator/load/store_loader.h"

#include <string>
#include <string_view>
#include <utility>

#include "common/base/status_macros.h"
#include "common/codec/section_codec.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kOutSamples = 1 << 16;
// What is written at a time, in bytes of sections; synced each time.
constexpr uint64_t kBatchBytes = uint64_t{16} << 20;

void FillRecord(const SimulatedRelay::World& world, const RelayPlan& plan,
                const SimulatedQueue& queue, int64_t now_milliseconds, v1::StoredRelay* record) {
  const v1::Hello hello = HelloOf(plan);
  record->set_cluster(hello.cluster());
  record->set_host(hello.host());
  record->set_instance(hello.instance());
  *record->mutable_labels() = hello.labels();
  record->set_agent_version(hello.agent_version());
  record->set_epoch(plan.seed | 1);
  record->set_sequence(1);
  record->set_digest(queue.digest());
  record->set_name_count(static_cast<uint32_t>(queue.name_count()));
  record->set_heard_milliseconds(now_milliseconds);
  *record->mutable_settings() = SettingsMessage(world.settings);
  record->mutable_files();
}

RelayWrite WriteOf(RelayId id, const SimulatedQueue& queue) {
  RelayWrite write;
  write.relay = id;
  write.forget_names = true;
  for (uint32_t name_id = 0; name_id < queue.name_count(); ++name_id) {
    const std::string_view name = queue.Name(name_id);
    write.names.add_names(name.data(), name.size());
  }
  for (const Queue which : kAllQueues) {
    for (const Axis axis : kAllAxes) {
      const Block block = queue.MakeBlock(which, axis);
      if (block.name_ids.empty()) continue;
      write.sections.push_back(
          {which, axis, SectionWrite::Kind::kReplace, EncodeSection(which, axis, block)});
    }
  }
  return write;
}

absl::Status CheckEmpty(Store* store) {
  bool is_empty = true;
  FQS_RETURN_IF_ERROR(store->Load(
      [&](RelayId, const v1::StoredRelay&) {
        is_empty = false;
        return false;
      },
      [&](const LoadedRelay&, const absl::Status&) { is_empty = false; }));
  if (is_empty) return absl::OkStatus();
  return absl::FailedPreconditionError("there are relays in this store; name a new directory");
}

}  // namespace

absl::StatusOr<LoadFigures> LoadStore(const SimulatedRelay::World& world,
                                      const std::vector<RelayPlan>& plans, int64_t now_milliseconds,
                                      Store* store,
                                      const std::function<void(const SimulatedQueue&)>& visit) {
  FQS_RETURN_IF_ERROR(CheckEmpty(store));
  const int64_t now = now_milliseconds / 1000;
  Random random(plans.empty() ? 0 : plans.front().seed);
  const std::vector<DomainId> out =
      world.destinations->DrawOut(*world.domains, now, kOutSamples, &random);
  LoadFigures figures;
  std::vector<RelayWrite> batch;
  uint64_t batch_bytes = 0;
  RelayId id = 0;
  for (const RelayPlan& plan : plans) {
    SimulatedRelay relay(world, plan, [](const Cell&, int64_t) {});
    relay.Fill(now, out);
    RelayWrite write = WriteOf(++id, relay.queue());
    FillRecord(world, plan, relay.queue(), now_milliseconds, &write.record);
    visit(relay.queue());
    ++figures.relays;
    figures.messages += relay.queue().message_count();
    figures.names += relay.queue().name_count();
    for (const SectionWrite& section : write.sections) batch_bytes += section.value.size();
    batch.push_back(std::move(write));
    if (batch_bytes < kBatchBytes && id < plans.size()) continue;
    FQS_RETURN_IF_ERROR(store->Apply(batch));
    figures.bytes += batch_bytes;
    batch_bytes = 0;
    batch.clear();
  }
  return figures;
}

}  // namespace fleetqshape
