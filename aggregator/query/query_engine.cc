#include "aggregator/query/query_engine.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

// A smaller difference between two machines' clocks can't be told from the time that a message
// takes; hosts that keep time by NTP are closer together than this.
constexpr int64_t kSmallestClockOffsetMilliseconds = 1000;

// The relay's own clock at `at_seconds` of the aggregator's.
int64_t RelayTime(const RelayView& relay, int64_t at_seconds) {
  const int64_t offset = relay.clock_offset_milliseconds;
  if (offset > -kSmallestClockOffsetMilliseconds && offset < kSmallestClockOffsetMilliseconds) {
    return at_seconds;
  }
  return at_seconds + offset / 1000;
}

// A table of more numbers than this is refused: on its way out it is there three times, 400 MB in
// all. The default question has 11 columns, so that it may have 1.5 million rows.
constexpr size_t kMaxTableCounts = size_t{16} << 20;

// Sums rows by fleet name id, without looking at a name.
class RowSums {
 public:
  explicit RowSums(size_t columns) : columns_(columns) {}

  // Counts each name's arrivals by the edges (AgeBuckets::ArrivalEdges).
  void Add(const Block& block, absl::Span<const uint32_t> fleet_ids,
           const std::vector<int64_t>& edges) {
    for (size_t i = 0; i < block.name_ids.size() && !too_large(); ++i) {
      uint64_t* row = RowOf(fleet_ids[block.name_ids[i]]);
      // Arrivals rise, so buckets fall.
      size_t bucket = edges.size();
      const auto end = block.arrivals.begin() + block.offsets[i + 1];
      for (auto arrival = block.arrivals.begin() + block.offsets[i]; arrival != end;) {
        while (bucket > 1 && *arrival >= edges[bucket - 2]) --bucket;
        // All arrivals up to the next edge are in this bucket.
        const auto next = bucket > 1 ? std::lower_bound(arrival, end, edges[bucket - 2]) : end;
        const auto count = static_cast<uint64_t>(next - arrival);
        row[0] += count;
        if (bucket < columns_) row[bucket] += count;
        arrival = next;
      }
    }
  }

  bool too_large() const { return counts_.size() > kMaxTableCounts; }

  void MoveTo(const FleetNames& names, ShapeTable* table) const {
    for (size_t row = 0; row < name_of_row_.size(); ++row) {
      const uint64_t* counts = counts_.data() + row * columns_;
      table->AddCounts(names.name(name_of_row_[row]), counts);
      table->AddTotalCounts(counts);
    }
  }

 private:
  static constexpr uint32_t kNoRow = std::numeric_limits<uint32_t>::max();

  uint64_t* RowOf(uint32_t name) {
    if (name >= row_of_name_.size()) row_of_name_.resize(name + size_t{1}, kNoRow);
    uint32_t& row = row_of_name_[name];
    if (row == kNoRow) {
      row = static_cast<uint32_t>(name_of_row_.size());
      name_of_row_.push_back(name);
      counts_.resize(counts_.size() + columns_, 0);
    }
    return counts_.data() + row * columns_;
  }

  size_t columns_;
  std::vector<uint32_t> row_of_name_;
  std::vector<uint32_t> name_of_row_;
  std::vector<uint64_t> counts_;
};

bool MakesATable(const TableQuestion& question) {
  const BucketOptions& buckets = question.buckets;
  return buckets.bucket_count > 0 && buckets.bucket_count <= AgeBuckets::kMaxBucketCount &&
         buckets.bucket_minutes > 0 && question.rows.min_subdomains > 0;
}

}  // namespace

QueryEngine::QueryEngine(const Fleet* fleet, const Clock* clock, Options options)
    : fleet_(*fleet), clock_(*clock), options_(options) {}

absl::StatusOr<std::vector<RelayView>> QueryEngine::Select(const Selection& selection) const {
  const std::vector<RelayView> all = fleet_.Snapshot();
  std::vector<RelayView> relays;
  for (const RelayView& relay : all) {
    if (Selects(selection, *relay.description)) relays.push_back(relay);
  }
  if (relays.empty()) return absl::NotFoundError(ExplainNoMatch(selection, all));
  return relays;
}

int64_t QueryEngine::SilentSeconds(const RelayView& relay) const {
  return (clock_.MonotonicMilliseconds() - relay.heard.monotonic_milliseconds) / 1000;
}

Freshness QueryEngine::FreshnessOf(const RelayView& relay) const {
  if (relay.state->epoch == 0) return Freshness::kMissing;
  return SilentSeconds(relay) > options_.stale_after_seconds ? Freshness::kStale
                                                             : Freshness::kFresh;
}

Coverage QueryEngine::CoverageOf(const std::vector<RelayView>& relays) const {
  Coverage coverage;
  coverage.relays = relays.size();
  coverage.problem = fleet_.problem();
  for (const RelayView& relay : relays) {
    const auto messages = MessagesOf(*relay.state);
    RelayNotice notice{relay.description->identity, SilentSeconds(relay),
                       std::accumulate(messages.begin(), messages.end(), uint64_t{0}),
                       relay.state->damaged};
    switch (FreshnessOf(relay)) {
      case Freshness::kFresh:
        ++coverage.fresh;
        break;
      case Freshness::kStale:
        coverage.stale.push_back(std::move(notice));
        break;
      case Freshness::kMissing:
        coverage.missing.push_back(std::move(notice));
        break;
    }
  }
  return coverage;
}

RelayCounts QueryEngine::CountRelays() const {
  RelayCounts counts;
  for (const RelayView& relay : fleet_.Snapshot()) {
    counts.connected += relay.connected ? 1 : 0;
    switch (FreshnessOf(relay)) {
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

absl::StatusOr<TableAnswer> QueryEngine::GetTable(const TableQuestion& question) const {
  if (!MakesATable(question)) {
    return absl::InvalidArgumentError("bucket count, bucket time and subdomains must be above 0");
  }
  FQS_ASSIGN_OR_RETURN(const std::vector<RelayView> relays, Select(question.selection));
  TableAnswer answer;
  answer.coverage = CoverageOf(relays);
  // Ages are doubles: times that these hold exactly are all that make sense.
  constexpr int64_t kLatest = int64_t{1} << 53;
  answer.at_seconds =
      std::clamp(question.at_seconds.value_or(clock_.NowSeconds()), -kLatest, kLatest);
  const AgeBuckets buckets(question.buckets);
  RowSums sums(buckets.columns());
  int64_t edges_time = answer.at_seconds;
  std::vector<int64_t> edges = buckets.ArrivalEdges(edges_time);
  for (const RelayView& relay : relays) {
    const int64_t relay_time = RelayTime(relay, answer.at_seconds);
    if (relay_time != edges_time) {
      edges_time = relay_time;
      edges = buckets.ArrivalEdges(edges_time);
    }
    for (Queue queue : question.queues) {
      const Block& block = *relay.state->sections[SectionIndex(queue, question.axis)];
      sums.Add(block, relay.state->names.fleet_ids(), edges);
    }
  }
  if (sums.too_large()) {
    return absl::ResourceExhaustedError(
        "the table would have too many numbers: ask for fewer age columns (-b) or fewer relays");
  }
  ShapeTable table(buckets.columns());
  sums.MoveTo(fleet_.names(), &table);
  answer.table = table.Finish(question.rows);
  return answer;
}

absl::StatusOr<RelayList> QueryEngine::ListRelays(const Selection& selection) const {
  FQS_ASSIGN_OR_RETURN(const std::vector<RelayView> views, Select(selection));
  RelayList list;
  list.at_seconds = clock_.NowSeconds();
  list.relays.reserve(views.size());
  for (const RelayView& view : views) {
    list.relays.push_back({.id = view.id,
                           .description = view.description,
                           .messages = MessagesOf(*view.state),
                           .settings = view.state->settings,
                           .files = view.state->files,
                           .heard_milliseconds = view.heard.wall_milliseconds,
                           .clock_offset_milliseconds = view.clock_offset_milliseconds,
                           .connected = view.connected,
                           .freshness = FreshnessOf(view),
                           .silent_seconds = SilentSeconds(view),
                           .damaged = view.state->damaged});
  }
  std::sort(list.relays.begin(), list.relays.end(), [](const auto& a, const auto& b) {
    return a.description->identity < b.description->identity;
  });
  return list;
}

}  // namespace fleetqshape
