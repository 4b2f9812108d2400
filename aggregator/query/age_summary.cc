#include "aggregator/query/age_summary.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>

#include "absl/types/span.h"
#include "aggregator/query/age_sources.h"
#include "aggregator/query/answer.h"
#include "aggregator/query/rank_search.h"
#include "aggregator/query/total_row.h"

namespace fleetqshape {
namespace {

// So few ages are put into order at once.
constexpr uint64_t kFewAges = 4096;

// The ages of a bucket, from 1.
AgeRange RangeOfBucket(const std::vector<int64_t>& edges, size_t bucket) {
  constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::min();
  const int64_t edge = edges[bucket - 1];
  return {bucket == 1 ? 0 : 1 - edges[bucket - 2], edge == kNoEnd ? kOldestAge : -edge};
}

// One row and group.
struct Cell {
  const Scan& scan;
  absl::Span<const uint64_t> columns;  // its numbers
  std::vector<AgeSource> sources;
  std::optional<int64_t> oldest;  // if it is known
};

// Counts only those of the bucket that has it. `all`: of all ages.
int64_t FindMedian(const Cell& cell, const RankSearch& search, const AgeRange& all) {
  uint64_t rank = cell.columns[0] / 2;
  for (size_t bucket = 1; bucket < cell.columns.size(); ++bucket) {
    if (rank < cell.columns[bucket]) {
      const AgeRange range = RangeOfBucket(cell.scan.edges(), bucket);
      return search.Find(
          {std::max(range.youngest, all.youngest), std::min(range.oldest, all.oldest)}, rank);
    }
    rank -= cell.columns[bucket];
  }
  return search.Find(all, rank);  // no buckets are counted
}

void SortFew(const Cell& cell, int64_t* median, int64_t* oldest) {
  std::vector<int64_t> ages;
  for (const AgeSource& source : cell.sources) {
    source.Visit([&](const auto values) {
      for (const auto value : values) ages.push_back(AgeOf(source.scale->now_seconds(), value));
    });
  }
  if (ages.empty()) return;  // cancelled
  const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
  std::nth_element(ages.begin(), middle, ages.end());
  *median = *middle;
  *oldest = *std::max_element(middle, ages.end());
}

// `crew` null: in the caller's thread alone.
void Summarize(const Cell& cell, const Crew* crew, int64_t* median, int64_t* oldest) {
  const uint64_t count = cell.columns[0];
  if (count == 0) return;
  const bool from_sums =
      std::any_of(cell.sources.begin(), cell.sources.end(),
                  [](const AgeSource& source) { return source.seconds != nullptr; });
  if (!from_sums && count <= kFewAges) {
    SortFew(cell, median, oldest);
    return;
  }
  const RankSearch search(&cell.sources, crew);
  AgeRange range = {0, cell.oldest.value_or(0)};
  if (!cell.oldest) range = search.Range();
  // Where some are taken off, the oldest may be among them.
  *oldest = from_sums ? search.FindOldest(range, count) : range.oldest;
  range.oldest = *oldest;
  *median = FindMedian(cell, search, range);
}

// All that TOTAL counts in a group.
std::vector<AgeSource> SourcesOfTotal(const Scan& scan, const MostOfFleet& most, uint32_t group) {
  std::vector<AgeSource> sources;
  const auto add = [&](const Piece& piece, const AgeScale& scale, bool taken_off) {
    AddSources(piece, scale, RowArrivals::kWholeBlock, taken_off, &sources);
  };
  const bool from_sums = group == most.group;
  if (from_sums) AddSources(*scan.sums(), *most.scale, &sources);
  for (const Piece& piece : scan.pieces()) {
    if (most.Has(piece)) continue;  // the sums have it
    if (from_sums) add(piece, *most.scale, true);
    if (piece.group == group) add(piece, *piece.scale, false);
  }
  for (const Piece& piece : scan.others()) {
    if (from_sums) add(piece, *most.scale, true);
  }
  return sources;
}

// Beyond it the whole crew works on one row.
constexpr uint64_t kManyArrivals = 1'000'000;

// They are in no near cache: each cell looks at all pieces.
void AskForOffsets(const Scan& scan, const RowArrivals* arrivals) {
  if (arrivals->name == RowArrivals::kWholeBlock) return;
  __builtin_prefetch(scan.pieces()[arrivals->piece].block->offsets.data() + arrivals->name);
}

}  // namespace

AgeSummary SummarizeAges(const Scan& scan, const CountedRows& rows, const Crew& crew) {
  const size_t groups = scan.groups().size();
  const size_t columns = scan.columns();
  const size_t cells = rows.counts.size() / columns;
  const auto cell_of = [&](const RowArrivals& one) {
    return one.row * groups + scan.pieces()[one.piece].group;
  };
  // By cell: where each one's arrivals begin.
  std::vector<size_t> begins(cells + 1, 0);
  for (const RowArrivals& one : rows.arrivals) ++begins[cell_of(one) + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<const RowArrivals*> sorted(rows.arrivals.size());
  std::vector<size_t> next(begins.begin(), begins.end() - 1);
  for (const RowArrivals& one : rows.arrivals) sorted[next[cell_of(one)]++] = &one;

  AgeSummary ages{std::vector<int64_t>(cells, TableAnswer::kNoAge),
                  std::vector<int64_t>(cells, TableAnswer::kNoAge)};
  const auto summarize = [&](size_t index, const Crew* helpers) {
    Cell cell{scan, absl::MakeConstSpan(rows.counts).subspan(index * columns, columns), {}, {}};
    if (!rows.oldest.empty()) cell.oldest = rows.oldest[index];
    cell.sources.reserve(begins[index + 1] - begins[index]);
    for (size_t i = begins[index]; i < begins[index + 1]; ++i) {
      AskForOffsets(scan, sorted[std::min(i + 16, sorted.size() - 1)]);
      const Piece& piece = scan.pieces()[sorted[i]->piece];
      AddSources(piece, *piece.scale, sorted[i]->name, false, &cell.sources);
    }
    Summarize(cell, helpers, &ages.median[index], &ages.oldest[index]);
  };
  const auto is_large = [&](size_t cell) { return rows.counts[cell * columns] > kManyArrivals; };
  for (size_t cell = 0; cell < cells && !crew.cancelled(); ++cell) {
    if (is_large(cell)) summarize(cell, &crew);
  }
  crew.ForEach(cells, {.at_a_time = std::clamp<size_t>(cells / 64, 1, 16)},
               [&](size_t /*worker*/, size_t cell) {
                 if (!is_large(cell)) summarize(cell, nullptr);
               });
  return ages;
}

AgeSummary SummarizeTotalAges(const Scan& scan, const std::vector<uint64_t>& total,
                              const Crew& crew) {
  const size_t groups = scan.groups().size();
  AgeSummary ages{std::vector<int64_t>(groups, TableAnswer::kNoAge),
                  std::vector<int64_t>(groups, TableAnswer::kNoAge)};
  const MostOfFleet most = FindMost(scan);
  for (uint32_t group = 0; group < groups && !crew.cancelled(); ++group) {
    const Cell cell{scan,
                    absl::MakeConstSpan(total).subspan(group * scan.columns(), scan.columns()),
                    SourcesOfTotal(scan, most, group),
                    {}};
    Summarize(cell, &crew, &ages.median[group], &ages.oldest[group]);
  }
  return ages;
}

}  // namespace fleetqshape
