#include "aggregator/store/section_value.h"

#include "absl/strings/str_cat.h"
#include "aggregator/store/store_keys.h"
#include "common/codec/section_codec.h"

namespace fleetqshape {
namespace {

// 0xff begins no message: its last bits name a type of field that there is not.
constexpr std::string_view kDamagedMark =
    "\xff\xff"
    "damaged: ";

// A section without names is smaller: three numbers of at most 10 bytes with their tags.
constexpr size_t kMaxEmptySectionBytes = 64;

}  // namespace

absl::StatusOr<Block> DecodeSectionValue(Queue queue, Axis axis, std::string_view value) {
  if (IsDamagedSectionValue(value)) {
    return absl::DataLossError(absl::StrCat("a section was damaged: ",
                                            std::string(value.substr(kDamagedMark.size(), 200))));
  }
  absl::StatusOr<DecodedSection> section = DecodeSection(value);
  if (!section.ok()) return absl::DataLossError(section.status().message());
  if (section->queue != queue || section->axis != axis) {
    return absl::DataLossError("a section is of another queue or axis than its key");
  }
  if (!section->delta.lost.name_ids.empty()) {
    return absl::DataLossError("section: a state that loses something");
  }
  return std::move(section->delta.gained);
}

std::string DamagedSectionValue(std::string_view reason) {
  return absl::StrCat(std::string(kDamagedMark), std::string(reason));
}

bool IsDamagedSectionValue(std::string_view value) {
  return value.substr(0, kDamagedMark.size()) == kDamagedMark;
}

rocksdb::CompactionFilter::Decision EmptySectionFilter::FilterV2(
    int /*level*/, const rocksdb::Slice& key, ValueType type, const rocksdb::Slice& value,
    std::string* /*new_value*/, std::string* /*skip_until*/) const {
  if (type != ValueType::kValue || value.size() > kMaxEmptySectionBytes) return Decision::kKeep;
  const auto place = ParseShapeKey(key.ToStringView());
  if (!place) return Decision::kKeep;
  const auto block = DecodeSectionValue(place->queue, place->axis, value.ToStringView());
  return block.ok() && block->name_ids.empty() ? Decision::kRemove : Decision::kKeep;
}

}  // namespace fleetqshape
