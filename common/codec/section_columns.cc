#include "common/codec/section_columns.h"

#include <google/protobuf/wire_format_lite.h>

#include <cstddef>

#include "common/codec/varint.h"
#include "fleetqshape/v1/shape.pb.h"

namespace fleetqshape {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr uint32_t Number(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_VARINT);
}
constexpr uint32_t Column(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

bool ReadColumn(const char** next, const char* end, std::string_view* column) {
  uint64_t length = 0;
  // In more bytes it is none, to protobuf.
  const char* const length_end =
      end - *next > static_cast<ptrdiff_t>(kMaxVarint32Bytes) ? *next + kMaxVarint32Bytes : end;
  if (!ReadVarint(next, length_end, &length)) return false;
  if (length > static_cast<uint64_t>(end - *next)) return false;
  *column = {*next, static_cast<size_t>(length)};
  *next += length;
  return true;
}

bool ReadNumber(const char** next, const char* end, int32_t* number) {
  uint64_t value = 0;
  if (!ReadVarint(next, end, &value)) return false;
  *number = static_cast<int32_t>(value);  // as protobuf takes an enum
  return true;
}

bool ReadField(uint32_t tag, const char** next, const char* end, SectionColumns* columns) {
  using v1::Section;
  switch (tag) {
    case Number(Section::kQueueFieldNumber):
      return ReadNumber(next, end, &columns->queue);
    case Number(Section::kAxisFieldNumber):
      return ReadNumber(next, end, &columns->axis);
    case Column(Section::kNameIdStepsFieldNumber):
      return ReadColumn(next, end, &columns->name_id_steps);
    case Column(Section::kGainedFieldNumber):
      return ReadColumn(next, end, &columns->gained);
    case Column(Section::kLostFieldNumber):
      return ReadColumn(next, end, &columns->lost);
    case Number(Section::kBaseSecondsFieldNumber): {
      uint64_t value = 0;
      if (!ReadVarint(next, end, &value)) return false;
      columns->base_seconds = WireFormatLite::ZigZagDecode64(value);
      return true;
    }
    case Column(Section::kGainedStepsFieldNumber):
      return ReadColumn(next, end, &columns->gained_steps);
    case Column(Section::kLostStepsFieldNumber):
      return ReadColumn(next, end, &columns->lost_steps);
    default:
      return false;
  }
}

}  // namespace

std::optional<SectionColumns> FindColumns(std::string_view bytes) {
  SectionColumns columns;
  const char* next = bytes.data();
  const char* const end = next + bytes.size();
  uint32_t last_tag = 0;
  while (next != end) {
    // All that are known take a byte.
    const uint32_t tag = static_cast<unsigned char>(*next++);
    if (tag <= last_tag) return std::nullopt;
    last_tag = tag;
    if (!ReadField(tag, &next, end, &columns)) return std::nullopt;
  }
  return columns;
}

}  // namespace fleetqshape
