// Sections and reports as messages with all their fields, as docs/wire.md has them, and as programs
// have them.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_SECTIONS_H_
#define FLEETQSHAPE_TESTS_SUPPORT_SECTIONS_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/codec/section_codec.h"
#include "fleetqshape/v1/report.pb.h"
#include "fleetqshape/v1/shape.pb.h"

namespace fleetqshape::test {

inline v1::Section SectionOf(const std::string& bytes) {
  v1::Section section;
  EXPECT_TRUE(section.ParseFromString(bytes));
  return section;
}

inline v1::PackedReport Packed(const v1::Report& report) {
  v1::PackedReport packed;
  EXPECT_TRUE(packed.ParseFromString(report.SerializeAsString()));
  return packed;
}

// The block of a section. INVALID_ARGUMENT also if it loses something.
inline absl::StatusOr<Block> DecodeState(const std::string& bytes) {
  absl::StatusOr<DecodedSection> section = DecodeSection(bytes);
  if (!section.ok()) return section.status();
  if (!section->delta.lost.name_ids.empty()) {
    return absl::InvalidArgumentError("a state that loses something");
  }
  return std::move(section->delta.gained);
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_SECTIONS_H_
