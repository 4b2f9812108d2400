#include "aggregator/query/query_engine.h"

#include <algorithm>
#include <utility>

#include "aggregator/query/age_summary.h"
#include "aggregator/query/counted_rows.h"
#include "aggregator/query/name_filter.h"
#include "aggregator/query/name_rows.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/relay_rows.h"
#include "aggregator/query/scan.h"
#include "common/base/status_macros.h"
#include "common/shape/age_buckets.h"

namespace fleetqshape {
namespace {

// Threads that help with other questions take no more of these.
constexpr size_t kMaxWaitingHelpers = 64;

absl::Status CheckQuestion(const TableQuestion& question) {
  const BucketOptions& buckets = question.buckets;
  // Written so that a NaN does not pass.
  if (!(buckets.bucket_count > 0 && buckets.bucket_count <= AgeBuckets::kMaxBucketCount &&
        buckets.bucket_minutes > 0 && question.rows.min_subdomains > 0)) {
    return absl::InvalidArgumentError("bucket count, bucket time and subdomains must be above 0");
  }
  if (!question.rows_by.empty() && question.rows.parents) {
    return absl::InvalidArgumentError("parent domains (-p) are for rows that are names");
  }
  return absl::OkStatus();
}

// INVALID_ARGUMENT: the question orders by a group that there is not.
absl::Status CheckOrder(const TableQuestion& question, const Scan& scan) {
  if (question.order != RowOrder::kGroup || question.order_group < scan.groups().size()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("the order is that of a group that is not compared");
}

// Ages of TOTAL, by group.
void AddAgesOfTotal(const Scan& scan, const TableQuestion& question, const FleetNames& names,
                    const Crew& crew, TableAnswer* answer) {
  std::vector<RowArrivals> arrivals;
  const NameFilter filter(question.names);
  FilteredIds filtered(filter, names);
  for (uint32_t piece = 0; piece < scan.pieces().size(); ++piece) {
    AddRowArrivals(scan, piece, 0, filter.takes_all(), &filtered, &arrivals);
  }
  AgeSummary ages = SummarizeAges(scan, 1, arrivals, crew);
  answer->total_median_ages = std::move(ages.median);
  answer->total_oldest_ages = std::move(ages.oldest);
}

}  // namespace

QueryEngine::QueryEngine(const Fleet* fleet, const Clock* clock, Options options)
    : fleet_(*fleet),
      clock_(*clock),
      options_(options),
      pool_(options.threads > 1
                ? std::make_unique<WorkerPool>(options.threads - 1, kMaxWaitingHelpers)
                : nullptr) {}

absl::StatusOr<std::vector<RelayView>> QueryEngine::Select(const Selection& selection) const {
  const std::vector<RelayView> all = fleet_.Snapshot();
  std::vector<RelayView> relays;
  for (const RelayView& relay : all) {
    if (Selects(selection, *relay.description)) relays.push_back(relay);
  }
  if (relays.empty()) return absl::NotFoundError(ExplainNoMatch(selection, all));
  return relays;
}

RelayCounts QueryEngine::CountRelays() const {
  RelayCounts counts;
  const CoverageRules rules = Rules();
  for (const RelayView& relay : fleet_.Snapshot()) {
    counts.connected += relay.connected ? 1 : 0;
    switch (rules.FreshnessOf(relay)) {
      case Freshness::kFresh:
        ++counts.fresh;
        break;
      case Freshness::kStale:
        ++counts.stale;
        break;
      case Freshness::kMissing:
        ++counts.missing;
        break;
    }
  }
  return counts;
}

absl::StatusOr<TableAnswer> QueryEngine::GetTable(const TableQuestion& question,
                                                  const std::atomic<bool>* cancelled) const {
  FQS_RETURN_IF_ERROR(CheckQuestion(question));
  FQS_ASSIGN_OR_RETURN(std::vector<RelayView> relays, Select(question.selection));
  TableAnswer answer;
  // Ages are doubles: times that these hold exactly are all that make sense.
  constexpr int64_t kLatest = int64_t{1} << 53;
  answer.at_seconds =
      std::clamp(question.at_seconds.value_or(clock_.NowSeconds()), -kLatest, kLatest);
  FQS_ASSIGN_OR_RETURN(const Scan scan, Scan::Make(question, std::move(relays), answer.at_seconds));
  FQS_RETURN_IF_ERROR(CheckOrder(question, scan));
  answer.columns = scan.columns();
  answer.groups = scan.groups();
  answer.coverage = Rules().CoverageOf(scan.relays());
  answer.coverage.problem = fleet_.problem();
  answer.coverage.left_out = scan.left_out();
  const Crew crew(pool_.get(), options_.threads, cancelled);
  const FleetNames& names = fleet_.names();
  FQS_RETURN_IF_ERROR(question.rows_by.empty()
                          ? AnswerByNames(question, scan, names, crew, &answer)
                          : AnswerByRelays(question, scan, names, crew, &answer));
  if (question.ages) AddAgesOfTotal(scan, question, names, crew, &answer);
  return answer;
}

absl::StatusOr<RelayList> QueryEngine::ListRelays(const Selection& selection) const {
  FQS_ASSIGN_OR_RETURN(const std::vector<RelayView> views, Select(selection));
  RelayList list;
  list.at_seconds = clock_.NowSeconds();
  list.relays.reserve(views.size());
  const CoverageRules rules = Rules();
  for (const RelayView& view : views) {
    list.relays.push_back({.id = view.id,
                           .description = view.description,
                           .messages = MessagesOf(*view.state),
                           .settings = view.state->settings,
                           .files = view.state->files,
                           .heard_milliseconds = view.heard.wall_milliseconds,
                           .clock_offset_milliseconds = view.clock_offset_milliseconds,
                           .connected = view.connected,
                           .freshness = rules.FreshnessOf(view),
                           .silent_seconds = rules.SilentSeconds(view),
                           .damaged = view.state->damaged});
  }
  std::sort(list.relays.begin(), list.relays.end(), [](const auto& a, const auto& b) {
    return a.description->identity < b.description->identity;
  });
  return list;
}

}  // namespace fleetqshape
