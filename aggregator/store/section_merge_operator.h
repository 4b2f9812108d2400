// Deltas as RocksDB merge operands.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_SECTION_MERGE_OPERATOR_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_SECTION_MERGE_OPERATOR_H_

#include <rocksdb/merge_operator.h>

#include <string>

namespace fleetqshape {

// Merges serialised v1::Section messages. The base is a state, the operands are deltas; a missing
// base is the empty state. Fails on bytes that don't decode and on losses that the state does not
// have, never reading damage as emptiness. Since a failed merge stops RocksDB from taking any
// further write, whoever calls Merge has to have applied the same delta in memory first.
class SectionMergeOperator final : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& input, MergeOperationOutput* output) const override;
  bool PartialMerge(const rocksdb::Slice& key, const rocksdb::Slice& left,
                    const rocksdb::Slice& right, std::string* merged,
                    rocksdb::Logger* logger) const override;
  // Part of the store's format: RocksDB refuses to open a store that was written with another.
  const char* Name() const override { return "fleetqshape.SectionMergeOperator.v1"; }
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_SECTION_MERGE_OPERATOR_H_
