#include "aggregator/store/section_merge_operator.h"

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/store/section_value.h"
#include "aggregator/store/store_keys.h"
#include "common/base/status_macros.h"
#include "common/codec/section_codec.h"

namespace fleetqshape {
namespace {

// All operands in one delta, with the queue and axis that all of them have.
struct Combined {
  Queue queue = Queue::kDeferred;
  Axis axis = Axis::kRecipientDomain;
  BlockDelta delta;
};

template <typename Operands>
absl::StatusOr<Combined> Combine(const Operands& operands) {
  if (operands.empty()) return absl::DataLossError("section: no delta");
  Combined combined;
  std::vector<BlockDelta> deltas;
  deltas.reserve(operands.size());
  for (const rocksdb::Slice& operand : operands) {
    FQS_ASSIGN_OR_RETURN(DecodedSection section, DecodeSection(operand.ToStringView()));
    if (deltas.empty()) {
      combined.queue = section.queue;
      combined.axis = section.axis;
    } else if (section.queue != combined.queue || section.axis != combined.axis) {
      return absl::DataLossError("section: deltas of several queues or axes");
    }
    deltas.push_back(std::move(section.delta));
  }
  combined.delta = CombineDeltas(std::move(deltas));
  return combined;
}

absl::StatusOr<std::string> MergeAll(const rocksdb::Slice& key, const rocksdb::Slice* existing,
                                     const std::vector<rocksdb::Slice>& operands) {
  FQS_ASSIGN_OR_RETURN(const Combined combined, Combine(operands));
  const auto place = ParseShapeKey(key.ToStringView());
  if (place && (place->queue != combined.queue || place->axis != combined.axis)) {
    return absl::DataLossError("section: a delta of another queue or axis than its key");
  }
  Block base;
  if (existing != nullptr) {
    FQS_ASSIGN_OR_RETURN(
        base, DecodeSectionValue(combined.queue, combined.axis, existing->ToStringView()));
  }
  FQS_ASSIGN_OR_RETURN(const Block merged, ApplyDelta(base, combined.delta));
  return EncodeSection(combined.queue, combined.axis, merged);
}

}  // namespace

bool SectionMergeOperator::FullMergeV2(const MergeOperationInput& input,
                                       MergeOperationOutput* output) const {
  if (input.existing_value != nullptr &&
      IsDamagedSectionValue(input.existing_value->ToStringView())) {
    output->existing_operand = *input.existing_value;  // it says already what happened
    return true;
  }
  absl::StatusOr<std::string> merged =
      MergeAll(input.key, input.existing_value, input.operand_list);
  output->new_value = merged.ok() ? *std::move(merged)
                                  : DamagedSectionValue(std::string(merged.status().message()));
  return true;
}

bool SectionMergeOperator::PartialMergeMulti(const rocksdb::Slice& /*key*/,
                                             const std::deque<rocksdb::Slice>& operands,
                                             std::string* merged,
                                             rocksdb::Logger* /*logger*/) const {
  // False only means that RocksDB keeps the operands.
  const absl::StatusOr<Combined> combined = Combine(operands);
  if (!combined.ok()) return false;
  *merged = EncodeSection(combined->queue, combined->axis, combined->delta);
  return true;
}

}  // namespace fleetqshape
