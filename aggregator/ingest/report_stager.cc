#include "aggregator/ingest/report_stager.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/ingest/relay_records.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

v1::AggregatorMessage AskForSnapshot(absl::string_view reason) {
  v1::AggregatorMessage message;
  message.mutable_snapshot_request()->set_reason(std::string(reason));
  return message;
}

absl::StatusOr<AppliedReport> ApplyToState(const RelayView& view, v1::PackedReport* report,
                                           FleetNames* names) {
  const RelayState& state = *view.state;
  const uint64_t last = report->epoch() == state.epoch ? state.sequence : 0;
  if (report->sequence() != last + 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("report ", report->sequence(), " does not follow ", last));
  }
  return ApplyReport(view.id, state, report, names);
}

}  // namespace

v1::AggregatorMessage Acknowledge(uint64_t epoch, uint64_t sequence) {
  v1::AggregatorMessage message;
  message.mutable_acknowledgement()->set_epoch(epoch);
  message.mutable_acknowledgement()->set_sequence(sequence);
  return message;
}

StagedReport StageReport(RelayId relay, v1::PackedReport report, const RelayRegistry& registry,
                         Fleet* fleet) {
  using Kind = StagedReport::Kind;
  StagedReport staged;
  staged.relay = relay;
  staged.epoch = report.epoch();
  staged.sequence = report.sequence();
  const auto answer = [&](Kind kind, ReportOutcome outcome) {
    staged.kind = kind;
    staged.answer = std::move(outcome);
    return std::move(staged);
  };
  if (report.epoch() == 0 || report.sequence() == 0) {
    return answer(Kind::kInvalid,
                  absl::InvalidArgumentError("a report without an epoch or a sequence"));
  }
  const std::optional<RelayView> view =
      registry.Has(relay) ? fleet->Find(relay) : std::optional<RelayView>();
  if (!view) {
    return answer(Kind::kInvalid,
                  absl::NotFoundError("the relay was forgotten, or its agent has come back by "
                                      "another stream"));
  }
  if (report.epoch() == view->state->epoch && report.sequence() == view->state->sequence) {
    return answer(Kind::kDuplicate, Acknowledge(report.epoch(), report.sequence()));
  }
  absl::StatusOr<AppliedReport> applied = ApplyToState(*view, &report, &fleet->names());
  if (!applied.ok()) {
    spdlog::warn("relay {}: report refused: {}", view->description->identity.ToString(),
                 std::string(applied.status().message()));
    return answer(absl::IsDataLoss(applied.status()) ? Kind::kMismatched : Kind::kRefused,
                  AskForSnapshot(applied.status().message()));
  }
  staged.kind = Kind::kApplied;
  staged.applied = *std::move(applied);
  staged.applied.change.before = view->state;
  DescribeRelay(*view, &staged.applied.write.record);
  staged.heard_milliseconds = view->heard.monotonic_milliseconds;
  return staged;
}

}  // namespace fleetqshape
