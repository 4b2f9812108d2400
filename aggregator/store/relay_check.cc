#include "aggregator/store/relay_check.h"

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/printable.h"
#include "common/shape/cell_digest.h"

namespace fleetqshape {

absl::Status CheckRelay(const LoadedRelay& loaded) {
  if (loaded.names.size() != loaded.record.name_count()) {
    return absl::DataLossError(absl::StrCat("it has ", loaded.names.size(), " names instead of ",
                                            loaded.record.name_count()));
  }
  std::vector<uint64_t> hashes;
  hashes.reserve(loaded.names.size());
  for (const std::string& name : loaded.names) hashes.push_back(NameHash(name));
  uint64_t digest = 0;
  for (const StoredSection& section : loaded.sections) {
    const Block& block = section.block;
    for (size_t i = 0; i < block.name_ids.size(); ++i) {
      if (block.name_ids[i] >= hashes.size()) {
        return absl::DataLossError(
            absl::StrCat("name id ", block.name_ids[i], " of ", hashes.size(), " is not given"));
      }
      const uint64_t hash = hashes[block.name_ids[i]];
      const size_t first = block.offsets[i];
      const size_t count = block.offsets[i + 1] - first;
      digest += block.arrivals.Visit([&](const auto arrivals) {
        return SumOfCellHashes(section.queue, section.axis, hash, arrivals.subspan(first, count));
      });
    }
  }
  if (digest != loaded.record.digest()) {
    return absl::DataLossError("its digest does not match");
  }
  return absl::OkStatus();
}

v1::StoredRelay RecordOfLostRelay(const v1::StoredRelay& record) {
  v1::StoredRelay lost;
  lost.set_cluster(record.cluster());
  lost.set_host(record.host());
  lost.set_instance(record.instance());
  *lost.mutable_labels() = record.labels();
  lost.set_agent_version(record.agent_version());
  lost.set_heard_milliseconds(record.heard_milliseconds());
  lost.set_clock_offset_milliseconds(record.clock_offset_milliseconds());
  return lost;
}

bool IsLostRelay(const v1::StoredRelay& record) { return record.epoch() == 0; }

std::string RelayText(RelayId relay, const v1::StoredRelay& record) {
  if (record.host().empty()) return absl::StrCat("number ", relay);
  return PrintableName(absl::StrCat(record.cluster(), "/", record.host(), "/", record.instance()));
}

}  // namespace fleetqshape
