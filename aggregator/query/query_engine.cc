#include "aggregator/query/query_engine.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "aggregator/query/age_summary.h"
#include "aggregator/query/counted_rows.h"
#include "aggregator/query/name_filter.h"
#include "aggregator/query/name_rows.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/relay_rows.h"
#include "aggregator/query/scan.h"
#include "aggregator/query/table_limits.h"
#include "aggregator/query/taken_names.h"
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

struct SelectedRelays {
  std::vector<RelayView> selected;
  std::vector<RelayView> others;
};

// NOT_FOUND, with what to do, if no relay matches.
absl::StatusOr<SelectedRelays> Select(const Selection& selection, std::vector<RelayView> all) {
  const auto matches = [&](const RelayView& relay) {
    return Selects(selection, *relay.description);
  };
  const auto others = std::stable_partition(all.begin(), all.end(), matches);
  if (others == all.begin()) return absl::NotFoundError(ExplainNoMatch(selection, all));
  SelectedRelays relays;
  relays.others.assign(std::make_move_iterator(others), std::make_move_iterator(all.end()));
  all.erase(others, all.end());
  relays.selected = std::move(all);
  return relays;
}

// Whether what all names have together is part of the answer.
bool WantsSums(const TableQuestion& question) {
  return question.names.empty() && (question.rows_by.empty() || question.ages);
}

// Ages of TOTAL, by group.
AgeSummary AgesOfTotal(const Scan& scan, const TakenNames& taken,
                       const std::vector<uint64_t>& total, const Crew& crew) {
  if (taken.all()) return SummarizeTotalAges(scan, total, crew);
  CountedRows row;
  row.counts = total;
  for (uint32_t piece = 0; piece < scan.pieces().size(); ++piece) {
    AddRowArrivals(scan, taken, piece, 0, &row.arrivals);
  }
  return SummarizeAges(scan, row, crew);
}

}  // namespace

QueryEngine::QueryEngine(const Fleet* fleet, const Clock* clock, Options options)
    : fleet_(*fleet),
      clock_(*clock),
      options_(options),
      pool_(options.threads > 1
                ? std::make_unique<WorkerPool>(options.threads - 1, kMaxWaitingHelpers)
                : nullptr) {}

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
  std::vector<size_t> sections;
  if (WantsSums(question)) {
    for (const Queue queue : question.queues) {
      sections.push_back(SectionIndex(queue, question.axis));
    }
  }
  FleetSums sums;
  FQS_ASSIGN_OR_RETURN(SelectedRelays relays,
                       Select(question.selection, fleet_.Snapshot(sections, &sums)));
  TableAnswer answer;
  // Ages are doubles: times that these hold exactly are all that make sense.
  constexpr int64_t kLatest = int64_t{1} << 53;
  answer.at_seconds =
      std::clamp(question.at_seconds.value_or(clock_.NowSeconds()), -kLatest, kLatest);
  FQS_ASSIGN_OR_RETURN(Scan scan,
                       Scan::Make(question, std::move(relays.selected), answer.at_seconds));
  if (WantsSums(question)) scan.UseSums(std::move(relays.others), std::move(sums));
  FQS_RETURN_IF_ERROR(CheckOrder(question, scan));
  answer.columns = scan.columns();
  answer.groups = scan.groups();
  answer.coverage = Rules().CoverageOf(scan.relays());
  answer.coverage.problem = fleet_.problem();
  answer.coverage.left_out = scan.left_out();
  const Crew crew(pool_.get(), options_.threads, cancelled);
  const FleetNames& names = fleet_.names();
  const TakenNames taken(scan, NameFilter(question.names), names, crew);
  if (crew.cancelled()) return CancelledError();
  FQS_RETURN_IF_ERROR(question.rows_by.empty()
                          ? AnswerByNames(question, scan, taken, names, crew, &answer)
                          : AnswerByRelays(question, scan, taken, crew, &answer));
  if (question.ages) {
    AgeSummary ages = AgesOfTotal(scan, taken, answer.total, crew);
    if (crew.cancelled()) return CancelledError();
    answer.total_median_ages = std::move(ages.median);
    answer.total_oldest_ages = std::move(ages.oldest);
  }
  return answer;
}

absl::StatusOr<RelayList> QueryEngine::ListRelays(const Selection& selection) const {
  FQS_ASSIGN_OR_RETURN(const SelectedRelays relays, Select(selection, fleet_.Snapshot()));
  const std::vector<RelayView>& views = relays.selected;
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
