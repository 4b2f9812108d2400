#include "aggregator/store/section_merge_operator.h"

#include <utility>

#include "absl/status/statusor.h"
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

// All operands in one delta; they are of one queue and axis, which come with it.
struct Combined {
  Queue queue;
  Axis axis;
  BlockDelta delta;
};

absl::StatusOr<Combined> Combine(const std::vector<rocksdb::Slice>& operands) {
  Combined combined{};
  for (const rocksdb::Slice& operand : operands) {
    FQS_ASSIGN_OR_RETURN(const v1::Section section, Parse(operand));
    FQS_ASSIGN_OR_RETURN(combined.queue, SectionQueue(section));
    FQS_ASSIGN_OR_RETURN(combined.axis, SectionAxis(section));
    FQS_ASSIGN_OR_RETURN(BlockDelta delta, DecodeSection(section));
    combined.delta = CombineDeltas(combined.delta, delta);
  }
  return combined;
}

absl::StatusOr<std::string> MergeAll(const rocksdb::Slice* existing,
                                     const std::vector<rocksdb::Slice>& operands) {
  Block base;
  if (existing != nullptr) {
    FQS_ASSIGN_OR_RETURN(const v1::Section section, Parse(*existing));
    FQS_ASSIGN_OR_RETURN(base, DecodeState(section));
  }
  FQS_ASSIGN_OR_RETURN(const Combined combined, Combine(operands));
  FQS_ASSIGN_OR_RETURN(const Block merged, ApplyDelta(base, combined.delta));
  return EncodeSection(combined.queue, combined.axis, merged).SerializeAsString();
}

}  // namespace

bool SectionMergeOperator::FullMergeV2(const MergeOperationInput& input,
                                       MergeOperationOutput* output) const {
  absl::StatusOr<std::string> merged = MergeAll(input.existing_value, input.operand_list);
  if (!merged.ok()) return false;
  output->new_value = *std::move(merged);
  return true;
}

bool SectionMergeOperator::PartialMerge(const rocksdb::Slice& /*key*/, const rocksdb::Slice& left,
                                        const rocksdb::Slice& right, std::string* merged,
                                        rocksdb::Logger* /*logger*/) const {
  // False only means that RocksDB keeps both operands.
  const absl::StatusOr<Combined> combined = Combine({left, right});
  if (!combined.ok()) return false;
  *merged = EncodeSection(combined->queue, combined->axis, combined->delta).SerializeAsString();
  return true;
}

}  // namespace fleetqshape
