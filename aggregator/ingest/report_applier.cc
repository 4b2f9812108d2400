#include "aggregator/ingest/report_applier.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/ingest/relay_records.h"
#include "common/base/status_macros.h"
#include "common/codec/relay_limits.h"
#include "common/codec/section_codec.h"
#include "common/shape/address.h"
#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

// Operands are folded into a fresh base once they are about as large as the base would be, and at
// least this large. (An arrival's step takes two bytes or three, and most have a name of their
// own.)
constexpr size_t kSmallOperandBytes = size_t{64} << 10;
constexpr size_t kBaseBytesOfArrival = 3;

// Hashes of names lie apart in memory: so many are fetched together.
constexpr size_t kHashesAtATime = 64;

// The sum of the hashes of a block's cells. INVALID_ARGUMENT if it uses a name id that is not
// given.
absl::StatusOr<uint64_t> BlockDigest(Queue queue, Axis axis, const Block& block,
                                     absl::Span<const uint32_t> fleet_ids,
                                     const FleetNames& names) {
  // Ids rise.
  if (!block.name_ids.empty() && block.name_ids.back() >= fleet_ids.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("name id ", block.name_ids.back(), " of ", fleet_ids.size(), " is not given"));
  }
  uint64_t digest = 0;
  std::array<uint64_t, kHashesAtATime> hashes;
  for (size_t begin = 0; begin < block.name_ids.size(); begin += kHashesAtATime) {
    const size_t end = std::min(begin + kHashesAtATime, block.name_ids.size());
    for (size_t i = begin; i < end; ++i) {
      hashes[i - begin] = names.hash(fleet_ids[block.name_ids[i]]);
    }
    block.arrivals.Visit([&](const auto arrivals) {
      for (size_t i = begin; i < end; ++i) {
        const size_t first = block.offsets[i];
        digest += SumOfCellHashes(queue, axis, hashes[i - begin],
                                  arrivals.subspan(first, block.offsets[i + 1] - first));
      }
    });
  }
  return digest;
}

// Notes which of a relay's new names recipients have: those that stand in a block of that axis.
void NoteUses(Axis axis, const Block& block, size_t first_name_id, std::vector<NameUse>* uses) {
  if (axis != Axis::kRecipientDomain || uses->empty()) return;
  for (const uint32_t name_id : block.name_ids) {
    const size_t place = size_t{name_id} - first_name_id;  // or far beyond
    if (place < uses->size()) (*uses)[place] = NameUse::kRecipients;
  }
}

// A relay's names after a report brought `added`.
template <typename Added>
RelayNames WithNames(const RelayNames& before, const Added& added, const std::vector<NameUse>& uses,
                     FleetNames* names) {
  return before.With(std::vector<std::string_view>(added.begin(), added.end()), names, uses);
}

struct ReportedSection {
  DecodedSection decoded;
  std::string* bytes;  // the report's
};

absl::StatusOr<std::vector<ReportedSection>> DecodeSections(v1::PackedReport* report) {
  std::vector<ReportedSection> sections;
  sections.reserve(static_cast<size_t>(report->sections_size()));
  for (std::string& bytes : *report->mutable_sections()) {
    FQS_ASSIGN_OR_RETURN(DecodedSection decoded, DecodeSection(bytes));
    sections.push_back({std::move(decoded), &bytes});
  }
  return sections;
}

// A copy to keep, without fields that this version does not know: those have no limit, and would be
// written with each later report.
template <typename Message>
std::shared_ptr<const Message> KnownPartOf(const Message& message) {
  auto known = std::make_shared<Message>(message);
  known->DiscardUnknownFields();
  return known;
}

// Takes over the settings and file counts of a report or a StoredRelay, if it has them.
template <typename Message>
void TakeRelayFacts(const Message& message, RelayState* state) {
  if (message.has_settings()) state->settings = KnownPartOf(message.settings());
  if (message.has_files()) state->files = KnownPartOf(message.files());
}

// INVALID_ARGUMENT: a block would have more arrivals than the limit.
absl::Status CheckArrivals(const Block& before, const BlockDelta& delta, size_t limit) {
  const size_t most = before.arrivals.size() + delta.gained.arrivals.size();
  if (most <= limit || most - limit <= delta.lost.arrivals.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a section of more than ", limit, " arrivals"));
}

// Applies one section of a report to `state`, and notes how to store it.
absl::Status ApplySection(ReportedSection reported, bool snapshot, const FleetNames& names,
                          const StateLimits& limits, RelayState* state, AppliedReport* applied) {
  auto& [queue, axis, delta, plain] = reported.decoded;
  if (snapshot && !delta.lost.name_ids.empty()) {
    return absl::InvalidArgumentError("a snapshot that loses something");
  }
  const size_t index = SectionIndex(queue, axis);
  for (const SectionWrite& other : applied->write.sections) {
    if (other.queue == queue && other.axis == axis && other.kind != SectionWrite::Kind::kErase) {
      return absl::InvalidArgumentError("a section comes twice");
    }
  }
  FQS_RETURN_IF_ERROR(CheckArrivals(*state->sections[index], delta, limits.section_arrivals));
  FQS_ASSIGN_OR_RETURN(const uint64_t gained,
                       BlockDigest(queue, axis, delta.gained, state->names.fleet_ids(), names));
  FQS_ASSIGN_OR_RETURN(const uint64_t lost,
                       BlockDigest(queue, axis, delta.lost, state->names.fleet_ids(), names));
  state->digest += gained - lost;
  applied->cells += delta.gained.arrivals.size() + delta.lost.arrivals.size();
  SectionWrite write{queue, axis, SectionWrite::Kind::kMerge,
                     plain ? std::move(*reported.bytes) : EncodeSection(queue, axis, delta)};
  Block block;
  if (snapshot) {
    write.kind = SectionWrite::Kind::kReplace;
    block = std::move(delta.gained);
  } else {
    FQS_ASSIGN_OR_RETURN(block, ApplyDelta(*state->sections[index], delta));
    size_t& operand_bytes = state->operand_bytes[index];
    operand_bytes += write.value.size();
    if (operand_bytes > std::max(kSmallOperandBytes, kBaseBytesOfArrival * block.arrivals.size())) {
      write.kind = SectionWrite::Kind::kReplace;
      write.value = EncodeSection(queue, axis, block);
      operand_bytes = 0;
    }
    applied->change.sections.emplace_back(index, std::move(delta));
  }
  state->sections[index] = std::make_shared<const Block>(std::move(block));
  applied->write.sections.push_back(std::move(write));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AppliedReport> ApplyReport(RelayId relay, const RelayState& state,
                                          v1::PackedReport* whole_report, FleetNames* names,
                                          const StateLimits& limits) {
  const v1::PackedReport& report = *whole_report;
  const bool snapshot = report.sequence() == 1;
  std::shared_ptr<RelayState> next =
      snapshot ? EmptyRelayState() : std::make_shared<RelayState>(state);
  AppliedReport applied;
  applied.write.relay = relay;
  next->epoch = report.epoch();
  next->sequence = report.sequence();
  if (snapshot) {
    applied.write.forget_names = true;
    for (Queue queue : kAllQueues) {
      for (Axis axis : kAllAxes) {
        applied.write.sections.push_back({queue, axis, SectionWrite::Kind::kErase, ""});
      }
    }
  }
  if (report.first_name_id() != next->names.size()) {
    return absl::FailedPreconditionError(
        absl::StrCat("names start at ", report.first_name_id(), ", not at ", next->names.size()));
  }
  if (next->names.size() + static_cast<size_t>(report.names_size()) > limits.names) {
    return absl::InvalidArgumentError(
        absl::StrCat("an epoch of more than ", limits.names, " names"));
  }
  for (const std::string& name : report.names()) {
    if (name.size() > kMaxReportedNameLength) {
      return absl::InvalidArgumentError("a name beyond the limit");
    }
  }
  if (report.settings().mail_version().size() > kMaxMailVersionLength) {
    return absl::InvalidArgumentError("a version of Postfix beyond the limit");
  }
  TakeRelayFacts(report, next.get());
  FQS_ASSIGN_OR_RETURN(std::vector<ReportedSection> sections, DecodeSections(whole_report));
  std::vector<NameUse> uses(static_cast<size_t>(report.names_size()), NameUse::kSendersOnly);
  for (const ReportedSection& section : sections) {
    NoteUses(section.decoded.axis, section.decoded.delta.gained, next->names.size(), &uses);
  }
  next->names = WithNames(next->names, report.names(), uses, names);
  applied.write.first_name_id = report.first_name_id();
  for (ReportedSection& section : sections) {
    FQS_RETURN_IF_ERROR(
        ApplySection(std::move(section), snapshot, *names, limits, next.get(), &applied));
  }
  if (next->digest != report.digest()) {
    return absl::DataLossError("the report leads to another state than the agent's");
  }
  applied.write.names.mutable_names()->Swap(whole_report->mutable_names());
  applied.write.record = RecordOf(*next);
  applied.state = std::move(next);
  return applied;
}

absl::StatusOr<std::shared_ptr<const RelayState>> StateOfLoaded(const LoadedRelay& loaded,
                                                                FleetNames* names) {
  std::shared_ptr<RelayState> state = EmptyRelayState();
  state->epoch = loaded.record.epoch();
  state->sequence = loaded.record.sequence();
  state->damaged = loaded.record.damaged();
  if (loaded.names.size() != loaded.record.name_count()) {
    return absl::DataLossError(absl::StrCat("it has ", loaded.names.size(), " names instead of ",
                                            loaded.record.name_count()));
  }
  std::vector<NameUse> uses(loaded.names.size(), NameUse::kSendersOnly);
  for (const auto& [queue, axis, block] : loaded.sections) NoteUses(axis, block, 0, &uses);
  state->names = WithNames(state->names, loaded.names, uses, names);
  for (const auto& [queue, axis, block] : loaded.sections) {
    const auto digest = BlockDigest(queue, axis, block, state->names.fleet_ids(), *names);
    if (!digest.ok()) return absl::DataLossError(digest.status().message());
    state->digest += *digest;
    state->sections[SectionIndex(queue, axis)] = std::make_shared<const Block>(block);
  }
  if (state->digest != loaded.record.digest()) {
    return absl::DataLossError("its digest does not match");
  }
  TakeRelayFacts(loaded.record, state.get());
  return std::shared_ptr<const RelayState>(std::move(state));
}

}  // namespace fleetqshape
