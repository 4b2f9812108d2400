#include "common/codec/section_codec.h"

#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/codec/section_columns.h"
#include "common/codec/varint.h"
#include "fleetqshape/v1/shape.pb.h"

namespace fleetqshape {
namespace {

using google::protobuf::internal::WireFormatLite;
using v1::Section;

// A column that is being written.
class ColumnWriter {
 public:
  // Has room for `count` numbers of at most `bytes` bytes each.
  ColumnWriter(size_t count, size_t bytes)
      : bytes_(count == 0 ? nullptr : new char[count * bytes + kMaxVarintBytes]),
        end_(bytes_.get()) {}

  void Add(uint64_t value) { end_ = WriteVarint(value, end_); }
  std::string_view bytes() const {
    return {bytes_.get(), static_cast<size_t>(end_ - bytes_.get())};
  }

 private:
  const std::unique_ptr<char[]> bytes_;
  char* end_;
};

int64_t EarliestArrival(const Block& gained, const Block& lost) {
  int64_t earliest = std::numeric_limits<int64_t>::max();
  for (const Block* block : {&gained, &lost}) {
    for (size_t i = 0; i < block->name_ids.size(); ++i) {
      earliest = std::min(earliest, block->arrivals[block->offsets[i]]);
    }
  }
  return earliest == std::numeric_limits<int64_t>::max() ? 0 : earliest;
}

// The columns of a section that is being written.
class SectionWriter {
 public:
  SectionWriter(const Block& gained, const Block& lost)
      : gained_(gained),
        lost_(lost),
        base_(EarliestArrival(gained, lost)),
        name_id_steps_(Names(), kMaxVarint32Bytes),
        gained_counts_(Names(), kMaxVarint32Bytes),
        lost_counts_(lost.name_ids.empty() ? 0 : Names(), kMaxVarint32Bytes),
        gained_steps_(gained.arrivals.size(), StepBytes()),
        lost_steps_(lost.arrivals.size(), StepBytes()) {}

  std::string Write(Queue queue, Axis axis) {
    WriteNames();
    char numbers[3 * kMaxVarintBytes];
    char* end = AppendNumber(Section::kQueueFieldNumber, static_cast<uint64_t>(queue), numbers);
    end = AppendNumber(Section::kAxisFieldNumber, static_cast<uint64_t>(axis), end);
    std::string out;
    // Each column has a tag and a length before it.
    out.reserve(sizeof numbers + 2 * kMaxVarintBytes + 5 * (1 + kMaxVarintBytes) +
                name_id_steps_.bytes().size() + gained_counts_.bytes().size() +
                lost_counts_.bytes().size() + gained_steps_.bytes().size() +
                lost_steps_.bytes().size());
    out.append(numbers, end);
    AppendColumn(Section::kNameIdStepsFieldNumber, name_id_steps_.bytes(), &out);
    AppendColumn(Section::kGainedFieldNumber, gained_counts_.bytes(), &out);
    AppendColumn(Section::kLostFieldNumber, lost_counts_.bytes(), &out);
    if (base_ != 0) {
      end = AppendNumber(Section::kBaseSecondsFieldNumber, WireFormatLite::ZigZagEncode64(base_),
                         numbers);
      out.append(numbers, end);
    }
    AppendColumn(Section::kGainedStepsFieldNumber, gained_steps_.bytes(), &out);
    AppendColumn(Section::kLostStepsFieldNumber, lost_steps_.bytes(), &out);
    return out;
  }

 private:
  size_t Names() const { return gained_.name_ids.size() + lost_.name_ids.size(); }
  size_t StepBytes() const {
    return gained_.arrivals.narrow() && lost_.arrivals.narrow() ? kMaxVarint32Bytes
                                                                : kMaxVarintBytes;
  }

  void WriteNames() {
    uint32_t previous_id = 0;
    size_t g = 0;
    size_t l = 0;
    while (g < gained_.name_ids.size() || l < lost_.name_ids.size()) {
      const uint64_t gained_id = g < gained_.name_ids.size() ? gained_.name_ids[g] : UINT64_MAX;
      const uint64_t lost_id = l < lost_.name_ids.size() ? lost_.name_ids[l] : UINT64_MAX;
      const auto name_id = static_cast<uint32_t>(std::min(gained_id, lost_id));
      name_id_steps_.Add(name_id - previous_id);
      previous_id = name_id;
      const bool gains = gained_id == name_id;
      gained_counts_.Add(gains ? gained_.offsets[g + 1] - gained_.offsets[g] : 0);
      if (gains) WriteSteps(gained_, g++, &gained_steps_);
      if (lost_.name_ids.empty()) continue;
      const bool loses = lost_id == name_id;
      lost_counts_.Add(loses ? lost_.offsets[l + 1] - lost_.offsets[l] : 0);
      if (loses) WriteSteps(lost_, l++, &lost_steps_);
    }
  }

  void WriteSteps(const Block& block, size_t index, ColumnWriter* steps) {
    block.arrivals.Visit([&](const auto arrivals) {
      int64_t previous = base_;
      for (uint32_t i = block.offsets[index]; i < block.offsets[index + 1]; ++i) {
        const int64_t arrival = arrivals[i];
        // Arrivals rise, so that the difference is none of a signed number's business.
        steps->Add(static_cast<uint64_t>(arrival) - static_cast<uint64_t>(previous));
        previous = arrival;
      }
    });
  }

  static char* AppendNumber(int field, uint64_t number, char* out) {
    *out = static_cast<char>(WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_VARINT));
    return WriteVarint(number, out + 1);
  }
  static void AppendColumn(int field, std::string_view column, std::string* out) {
    if (column.empty()) return;
    char head[1 + kMaxVarintBytes];
    head[0] = static_cast<char>(
        WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
    out->append(head, WriteVarint(column.size(), head + 1));
    out->append(column);
  }

  const Block& gained_;
  const Block& lost_;
  const int64_t base_;
  ColumnWriter name_id_steps_;
  ColumnWriter gained_counts_;
  ColumnWriter lost_counts_;
  ColumnWriter gained_steps_;
  ColumnWriter lost_steps_;
};

absl::Status Invalid(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("section: ", what));
}

// Builds a side of a delta from its column of steps, name by name.
class SideDecoder {
 public:
  SideDecoder(VarintColumn steps, size_t names, int64_t base)
      : steps_(steps), left_(steps.Count()), base_(base) {
    block_.name_ids.reserve(names);
    block_.offsets.reserve(names + 1);
    narrow_.resize(ArrivalColumn::Fits(base) ? left_ : 0);
    is_narrow_ = narrow_.size() == left_;
    if (!is_narrow_) wide_.resize(left_);
  }

  // The next name's `count` arrivals.
  absl::Status DecodeName(uint32_t name_id, uint32_t count) {
    if (count == 0) return absl::OkStatus();
    if (count > left_) return Invalid("fewer arrivals than counted");
    left_ -= count;
    auto arrival = static_cast<uint64_t>(base_);
    for (const size_t end = filled_ + count; filled_ < end; ++filled_) {
      uint64_t step = 0;
      if (!steps_.Next(&step)) return Invalid("a step does not end");
      // Modulo 2^64, as it was written: any two arrivals have a step between them.
      const uint64_t next = arrival + step;
      if (static_cast<int64_t>(next) < static_cast<int64_t>(arrival)) {
        return Invalid("an arrival beyond 64 bits");
      }
      arrival = next;
      if (is_narrow_ && next <= std::numeric_limits<uint32_t>::max()) {
        narrow_[filled_] = static_cast<uint32_t>(next);
      } else {
        AddWide(static_cast<int64_t>(next));
      }
    }
    block_.name_ids.push_back(name_id);
    block_.offsets.push_back(static_cast<uint32_t>(filled_));
    return absl::OkStatus();
  }

  // True if there are no steps that no name has.
  bool AtEnd() const { return left_ == 0 && steps_.AtEnd(); }
  Block Finish() {
    block_.arrivals =
        is_narrow_ ? ArrivalColumn(std::move(narrow_)) : ArrivalColumn(std::move(wide_));
    return std::move(block_);
  }

 private:
  void AddWide(int64_t arrival) {
    if (std::exchange(is_narrow_, false)) {
      wide_.assign(narrow_.begin(), narrow_.end());
      narrow_ = {};
    }
    wide_[filled_] = arrival;
  }

  VarintColumn steps_;
  size_t left_;  // steps that no name has so far
  const int64_t base_;
  Block block_;  // without its arrivals
  bool is_narrow_ = true;
  std::vector<uint32_t> narrow_;
  std::vector<int64_t> wide_;  // in its place, if an arrival does not fit
  size_t filled_ = 0;          // arrivals
};

// Reads the columns that have an entry for each name.
absl::StatusOr<BlockDelta> DecodeColumns(const SectionColumns& columns, const char* bytes_end) {
  VarintColumn id_steps(columns.name_id_steps, bytes_end);
  VarintColumn gained_counts(columns.gained, bytes_end);
  VarintColumn lost_counts(columns.lost, bytes_end);
  const size_t names = id_steps.Count();
  const bool has_losses = !columns.lost.empty();
  if (gained_counts.Count() != names || (has_losses && lost_counts.Count() != names)) {
    return Invalid("columns of different lengths");
  }
  SideDecoder gained(VarintColumn(columns.gained_steps, bytes_end), names, columns.base_seconds);
  SideDecoder lost(VarintColumn(columns.lost_steps, bytes_end), has_losses ? names : 0,
                   columns.base_seconds);
  uint64_t name_id = 0;
  for (size_t i = 0; i < names; ++i) {
    uint64_t step = 0;
    uint64_t gains = 0;
    uint64_t losses = 0;
    if (!id_steps.NextSmall(&step) || !gained_counts.NextSmall(&gains) ||
        (has_losses && !lost_counts.NextSmall(&losses))) {
      return Invalid("a number does not end");
    }
    // Those that were too large for their fields are cut, as protobuf does.
    const auto id_step = static_cast<uint32_t>(step);
    const auto gained_count = static_cast<uint32_t>(gains);
    const auto lost_count = static_cast<uint32_t>(losses);
    if (i > 0 && id_step == 0) return Invalid("name ids do not rise");
    name_id += id_step;
    if (name_id > std::numeric_limits<uint32_t>::max()) return Invalid("a name id beyond 32 bits");
    if (gained_count == 0 && lost_count == 0) return Invalid("a name without a change");
    FQS_RETURN_IF_ERROR(gained.DecodeName(static_cast<uint32_t>(name_id), gained_count));
    FQS_RETURN_IF_ERROR(lost.DecodeName(static_cast<uint32_t>(name_id), lost_count));
  }
  if (!gained.AtEnd() || !lost.AtEnd()) return Invalid("more arrivals than counted");
  if (!id_steps.AtEnd() || !gained_counts.AtEnd() || !lost_counts.AtEnd()) {
    return Invalid("a column does not end");
  }
  return BlockDelta{gained.Finish(), lost.Finish()};
}

// The same message in plain bytes.
absl::StatusOr<std::string> PlainBytes(std::string_view bytes) {
  Section section;
  if (!section.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Invalid("does not parse");
  }
  section.DiscardUnknownFields();
  return section.SerializeAsString();
}

}  // namespace

std::string EncodeSection(Queue queue, Axis axis, const BlockDelta& delta) {
  return SectionWriter(delta.gained, delta.lost).Write(queue, axis);
}

std::string EncodeSection(Queue queue, Axis axis, const Block& block) {
  return SectionWriter(block, Block()).Write(queue, axis);
}

absl::StatusOr<DecodedSection> DecodeSection(std::string_view bytes) {
  std::optional<SectionColumns> columns = FindColumns(bytes);
  std::string plain;
  const bool is_plain = columns.has_value();
  if (!is_plain) {
    FQS_ASSIGN_OR_RETURN(plain, PlainBytes(bytes));
    bytes = plain;
    columns = FindColumns(bytes);
    if (!columns) return Invalid("does not parse");
  }
  FQS_ASSIGN_OR_RETURN(const Queue queue, QueueOfNumber(columns->queue));
  FQS_ASSIGN_OR_RETURN(const Axis axis, AxisOfNumber(columns->axis));
  FQS_ASSIGN_OR_RETURN(BlockDelta delta, DecodeColumns(*columns, bytes.data() + bytes.size()));
  return DecodedSection{queue, axis, std::move(delta), is_plain};
}

absl::StatusOr<Queue> QueueOfNumber(int number) {
  for (const Queue queue : kAllQueues) {
    if (static_cast<int>(queue) == number) return queue;
  }
  return absl::InvalidArgumentError(absl::StrCat("section: unknown queue ", number));
}

absl::StatusOr<Axis> AxisOfNumber(int number) {
  for (const Axis axis : kAllAxes) {
    if (static_cast<int>(axis) == number) return axis;
  }
  return absl::InvalidArgumentError(absl::StrCat("section: unknown axis ", number));
}

}  // namespace fleetqshape
