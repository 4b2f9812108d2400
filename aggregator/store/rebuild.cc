#include "aggregator/store/rebuild.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "aggregator/store/relay_check.h"
#include "aggregator/store/relay_reader.h"
#include "aggregator/store/store_directory.h"
#include "aggregator/store/store_keys.h"
#include "common/base/status_macros.h"
#include "common/codec/section_codec.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

absl::Status WriteRelay(const LoadedRelay& loaded, Database* to) {
  rocksdb::WriteBatch batch;
  rocksdb::Status status =
      batch.Put(to->family(kRelays), RelayKey(loaded.relay), loaded.record.SerializeAsString());
  if (status.ok() && !loaded.names.empty()) {
    v1::StoredNames names;
    for (const std::string& name : loaded.names) names.add_names(name);
    status = batch.Put(to->family(kNames), NamesKey(loaded.relay, 0), names.SerializeAsString());
  }
  for (const auto& [queue, axis, block] : loaded.sections) {
    if (!status.ok()) break;
    if (block.name_ids.empty()) continue;
    status = batch.Put(to->family(kShapes), ShapeKey(loaded.relay, queue, axis),
                       EncodeSection(queue, axis, block));
  }
  // Synced with the last write, WriteFormat.
  if (status.ok()) status = to->db().Write(rocksdb::WriteOptions(), &batch);
  return ToAbsl(status);
}

}  // namespace

absl::Status WriteFormat(Database* to) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return ToAbsl(to->db().Put(synced, to->family(kMeta), kFormatKey, kFormatVersion));
}

absl::Status WriteLostRelays(const std::map<RelayId, v1::StoredRelay>& records, Database* to) {
  for (const auto& [relay, record] : records) {
    spdlog::error("the stored state of relay {} is lost, until its agent has sent a snapshot",
                  RelayText(relay, record));
    FQS_RETURN_IF_ERROR(WriteRelay({relay, RecordOfLostRelay(record), {}, {}}, to));
  }
  return WriteFormat(to);
}

absl::Status CopyWhatIsSound(Database* from, Database* to, const std::set<RelayId>& told) {
  RelayReader reader(from);
  LoadedRelay loaded;
  absl::Status problem;
  size_t sound = 0;
  size_t lost = 0;
  while (reader.Next([](RelayId, const v1::StoredRelay&) { return true; }, &loaded, &problem)) {
    const absl::Status trouble = reader.trouble();
    if (!trouble.ok() && !absl::IsDataLoss(trouble)) return trouble;
    problem.Update(CheckRelay(loaded));
    if (problem.ok()) {
      ++sound;
    } else {
      ++lost;
      if (!told.contains(loaded.relay)) {
        spdlog::error(
            "the stored state of relay {} is damaged ({}): it is left out, until its "
            "agent has sent a snapshot",
            RelayText(loaded.relay, loaded.record), std::string(problem.message()));
      }
      loaded = LoadedRelay{loaded.relay, RecordOfLostRelay(loaded.record), {}, {}};
    }
    FQS_RETURN_IF_ERROR(WriteRelay(loaded, to));
  }
  const absl::Status trouble = reader.trouble();
  if (!trouble.ok() && !absl::IsDataLoss(trouble)) return trouble;
  FQS_RETURN_IF_ERROR(WriteFormat(to));
  spdlog::warn(
      "the store was written anew: {} relays are sound, {} wait for their agents' "
      "snapshots",
      sound, lost);
  return absl::OkStatus();
}

}  // namespace fleetqshape
