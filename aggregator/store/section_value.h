// Values of the family "shapes".
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_SECTION_VALUE_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_SECTION_VALUE_H_

#include <rocksdb/compaction_filter.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// The state in a value. DATA_LOSS: it does not decode, is none of this queue and axis, or stands
// for one that was damaged.
absl::StatusOr<Block> DecodeSectionValue(Queue queue, Axis axis, std::string_view value);

// What stands in the place of a value that could not be made. Never decodes.
std::string DamagedSectionValue(std::string_view reason);
bool IsDamagedSectionValue(std::string_view value);

// Drops sections without arrivals: deltas that sum to nothing leave one. Whoever reads takes a
// missing section for an empty one.
class EmptySectionFilter final : public rocksdb::CompactionFilter {
 public:
  Decision FilterV2(int level, const rocksdb::Slice& key, ValueType type,
                    const rocksdb::Slice& value, std::string* new_value,
                    std::string* skip_until) const override;
  const char* Name() const override { return "fleetqshape.EmptySectionFilter"; }
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_SECTION_VALUE_H_
