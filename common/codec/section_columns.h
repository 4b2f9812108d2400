// Where the fields of a Section message (shape.proto) stand in its bytes.
#ifndef FLEETQSHAPE_COMMON_CODEC_SECTION_COLUMNS_H_
#define FLEETQSHAPE_COMMON_CODEC_SECTION_COLUMNS_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace fleetqshape {

// The fields of the message, not looked into; columns are parts of its bytes.
struct SectionColumns {
  int32_t queue = 0;
  int32_t axis = 0;
  std::string_view name_id_steps;
  std::string_view gained;
  std::string_view lost;
  int64_t base_seconds = 0;
  std::string_view gained_steps;
  std::string_view lost_steps;
};

// The fields of a section whose bytes are plain: each field at most once, by rising number, columns
// packed, and nothing that this version does not know. So all of ours are. Another program may have
// written the same message otherwise: none.
std::optional<SectionColumns> FindColumns(std::string_view bytes);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_CODEC_SECTION_COLUMNS_H_
