// Deltas as RocksDB merge operands.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_SECTION_MERGE_OPERATOR_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_SECTION_MERGE_OPERATOR_H_

#include <rocksdb/merge_operator.h>

#include <deque>
#include <string>

namespace fleetqshape {

// Merges serialised v1::Section messages. The base is a state, the operands are deltas; a missing
// base is the empty state. Never fails: after a failed merge RocksDB would take no further write,
// of any key. Bytes that don't decode, or are of another queue or axis than the key, and losses
// that the state does not have, make a DamagedSectionValue, which stays one whatever is merged with
// it, until it is replaced or erased. So damage is never read as emptiness, and costs its relay
// only.
class SectionMergeOperator final : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& input, MergeOperationOutput* output) const override;
  bool PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands,
                         std::string* merged, rocksdb::Logger* logger) const override;
  // Part of the store's format: RocksDB refuses to open a store that was written with another.
  const char* Name() const override { return "fleetqshape.SectionMergeOperator.v1"; }
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_SECTION_MERGE_OPERATOR_H_
