#include "aggregator/ingest/report_parser.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>

namespace fleetqshape {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Columns are packed, each a field, so that a section has eight; a report has at most one section
// for each queue and axis. The rest is for those that later versions add.
constexpr size_t kMaxFields = 64;

// Whether what comes next, up to the stream's limit, is made of at most kMaxFields fields, without
// those that `visit` takes: it is given the tags, and returns whether it has read the field.
template <typename Visit>
bool HasFewFields(CodedInputStream* in, const Visit& visit) {
  size_t fields = 0;
  while (const uint32_t tag = in->ReadTag()) {
    if (visit(tag)) continue;
    // Groups, which nobody uses, have fields of their own.
    const auto type = WireFormatLite::GetTagWireType(tag);
    const bool group = type == WireFormatLite::WIRETYPE_START_GROUP;
    if (++fields > kMaxFields || group || !WireFormatLite::SkipField(in, tag)) return false;
  }
  return in->ConsumedEntireMessage();
}

bool HasFewFieldsInside(CodedInputStream* in) {
  uint32_t bytes = 0;
  if (!in->ReadVarint32(&bytes) || bytes > INT32_MAX) return false;
  const auto limit = in->PushLimit(static_cast<int>(bytes));
  const bool few = HasFewFields(in, [](uint32_t) { return false; });
  in->PopLimit(limit);
  return few;
}

// Names are a field each, of two bytes or more.
bool IsReasonable(const std::string& bytes) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  bool reasonable = true;
  size_t messages = 0;
  const auto visit = [&](uint32_t tag) {
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      return false;
    }
    switch (WireFormatLite::GetTagFieldNumber(tag)) {
      case v1::PackedReport::kNamesFieldNumber:
        return WireFormatLite::SkipField(&in, tag);
      case v1::PackedReport::kSectionsFieldNumber:
      case v1::PackedReport::kSettingsFieldNumber:
      case v1::PackedReport::kFilesFieldNumber:
        if (++messages > kMaxFields || !HasFewFieldsInside(&in)) reasonable = false;
        return reasonable;
      default:
        return false;
    }
  };
  return HasFewFields(&in, visit) && reasonable;
}

}  // namespace

absl::StatusOr<v1::PackedReport> ParseReport(const std::string& bytes) {
  v1::PackedReport report;
  if (!IsReasonable(bytes)) {
    return absl::InvalidArgumentError("a report that does not parse, or has too many fields");
  }
  if (!report.ParseFromString(bytes)) {
    return absl::InvalidArgumentError("a report that does not parse");
  }
  return report;
}

}  // namespace fleetqshape
