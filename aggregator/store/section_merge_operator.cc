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

absl::StatusOr<v1::Section> Parse(const rocksdb::Slice& bytes) {
  v1::Section section;
  if (!section.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("section: does not parse");
  }
  return section;
}

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
    FQS_ASSIGN_OR_RETURN(const v1::Section section, Parse(operand));
    FQS_ASSIGN_OR_RETURN(const Queue queue, SectionQueue(section));
    FQS_ASSIGN_OR_RETURN(const Axis axis, SectionAxis(section));
    if (deltas.empty()) {
      combined.queue = queue;
      combined.axis = axis;
    } else if (queue != combined.queue || axis != combined.axis) {
      return absl::DataLossError("section: deltas of several queues or axes");
    }
    FQS_ASSIGN_OR_RETURN(BlockDelta delta, DecodeSection(section));
    deltas.push_back(std::move(delta));
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
  return EncodeSection(combined.queue, combined.axis, merged).SerializeAsString();
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
  *merged = EncodeSection(combined->queue, combined->axis, combined->delta).SerializeAsString();
  return true;
}

}  // namespace fleetqshape
