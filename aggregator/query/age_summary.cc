#include "aggregator/query/age_summary.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/types/span.h"
#include "aggregator/query/age_sources.h"
#include "aggregator/query/answer.h"
#include "aggregator/query/gathered_medians.h"
#include "aggregator/query/median_bucket.h"
#include "aggregator/query/rank_search.h"
#include "aggregator/query/total_row.h"

namespace fleetqshape {
namespace {

// So few ages are put into order at once.
constexpr uint64_t kFewAges = 4096;

// One row and group.
struct Cell {
  const Scan& scan;
  absl::Span<const uint64_t> columns;  // its numbers
  std::vector<AgeSource> sources;
  std::optional<int64_t> oldest;  // if it is known
};

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
  const MedianBucket bucket = FindMedianBucket(cell.scan.edges(), cell.columns, range);
  *median = search.Find(bucket.range, bucket.rank);
}

// The first and the last arrivals of blocks that are looked at whole. Then many need no second look
// for the oldest.
struct WholeBlocks {
  using Bounds = std::vector<std::optional<std::pair<int64_t, int64_t>>>;

  WholeBlocks(const Scan& scan, const MostOfFleet& most, const Crew& crew)
      : pieces(scan.pieces().size()), others(scan.others().size()) {
    if (!scan.window().everything()) return;  // lists of names are looked at
    crew.ForEach(pieces.size() + others.size(), {.at_a_time = kPiecesAtATime},
                 [&](size_t /*worker*/, size_t item) {
                   if (item >= pieces.size()) {
                     const size_t other = item - pieces.size();
                     others[other] = BoundsOf(scan.others()[other].block->arrivals);
                   } else if (!most.Has(scan.pieces()[item])) {
                     pieces[item] = BoundsOf(scan.pieces()[item].block->arrivals);
                   }
                 });
  }

  Bounds pieces;  // by Scan::pieces; of those that the sums do not stand for
  Bounds others;  // by Scan::others
};

// All that TOTAL counts in a group.
std::vector<AgeSource> SourcesOfTotal(const Scan& scan, const MostOfFleet& most,
                                      const WholeBlocks& blocks, uint32_t group) {
  std::vector<AgeSource> sources;
  const bool from_sums = group == most.group;
  if (from_sums) AddSources(*scan.sums(), *most.scale, &sources);
  for (size_t i = 0; i < scan.pieces().size(); ++i) {
    const Piece& piece = scan.pieces()[i];
    if (most.Has(piece)) continue;  // the sums have it
    if (from_sums) AddSources(piece, *most.scale, blocks.pieces[i], true, &sources);
    if (piece.group == group) {
      AddSources(piece, *piece.scale, blocks.pieces[i], false, &sources);
    }
  }
  for (size_t i = 0; i < scan.others().size() && from_sums; ++i) {
    AddSources(scan.others()[i], *most.scale, blocks.others[i], true, &sources);
  }
  return sources;
}

// Beyond it the whole crew works on one row.
constexpr uint64_t kManyArrivals = 1'000'000;

// Of these cells only, which rise.
void SummarizeCells(const Scan& scan, const CountedRows& rows, const std::vector<size_t>& wanted,
                    const Crew& crew, AgeSummary* ages) {
  if (wanted.empty()) return;
  const size_t groups = scan.groups().size();
  const size_t columns = scan.columns();
  const size_t cells = rows.counts.size() / columns;
  const auto cell_of = [&](const RowArrivals& one) {
    return one.row * groups + scan.pieces()[one.piece].group;
  };
  std::vector<char> is_wanted(cells, 0);
  for (const size_t cell : wanted) is_wanted[cell] = 1;
  // By cell: where each one's arrivals begin.
  std::vector<size_t> begins(cells + 1, 0);
  for (const RowArrivals& one : rows.arrivals) {
    if (is_wanted[cell_of(one)] != 0) ++begins[cell_of(one) + 1];
  }
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<const RowArrivals*> sorted(begins.back());
  std::vector<size_t> next(begins.begin(), begins.end() - 1);
  for (const RowArrivals& one : rows.arrivals) {
    if (is_wanted[cell_of(one)] != 0) sorted[next[cell_of(one)]++] = &one;
  }
  const auto summarize = [&](size_t index, const Crew* helpers) {
    Cell cell{scan, absl::MakeConstSpan(rows.counts).subspan(index * columns, columns), {}, {}};
    if (!rows.oldest.empty()) cell.oldest = rows.oldest[index];
    cell.sources.reserve(begins[index + 1] - begins[index]);
    for (size_t i = begins[index]; i < begins[index + 1]; ++i) {
      AddSources(scan.pieces()[sorted[i]->piece], *sorted[i], &cell.sources);
    }
    Summarize(cell, helpers, &ages->median[index], &ages->oldest[index]);
  };
  const auto is_large = [&](size_t cell) { return rows.counts[cell * columns] > kManyArrivals; };
  for (const size_t cell : wanted) {
    if (is_large(cell) && !crew.cancelled()) summarize(cell, &crew);
  }
  crew.ForEach(wanted.size(), {.at_a_time = std::clamp<size_t>(wanted.size() / 64, 1, 16)},
               [&](size_t /*worker*/, size_t item) {
                 if (!is_large(wanted[item])) summarize(wanted[item], nullptr);
               });
}

}  // namespace

AgeSummary SummarizeAges(const Scan& scan, const CountedRows& rows, const Crew& crew) {
  const size_t cells = rows.counts.size() / scan.columns();
  AgeSummary ages{std::vector<int64_t>(cells, TableAnswer::kNoAge), rows.oldest};
  std::vector<size_t> wanted;
  if (rows.oldest.empty()) {
    ages.oldest.resize(cells, TableAnswer::kNoAge);
    wanted.resize(cells);
    std::iota(wanted.begin(), wanted.end(), size_t{0});
  } else {
    GatheredMedians gathered = GatherMedians(scan, rows, crew);
    ages.median = std::move(gathered.medians);
    wanted = std::move(gathered.left);
  }
  SummarizeCells(scan, rows, wanted, crew, &ages);
  return ages;
}

AgeSummary SummarizeTotalAges(const Scan& scan, const std::vector<uint64_t>& total,
                              const Crew& crew) {
  const size_t groups = scan.groups().size();
  AgeSummary ages{std::vector<int64_t>(groups, TableAnswer::kNoAge),
                  std::vector<int64_t>(groups, TableAnswer::kNoAge)};
  const MostOfFleet most = FindMost(scan);
  const WholeBlocks blocks(scan, most, crew);
  for (uint32_t group = 0; group < groups && !crew.cancelled(); ++group) {
    const Cell cell{scan,
                    absl::MakeConstSpan(total).subspan(group * scan.columns(), scan.columns()),
                    SourcesOfTotal(scan, most, blocks, group),
                    {}};
    Summarize(cell, &crew, &ages.median[group], &ages.oldest[group]);
  }
  return ages;
}

}  // namespace fleetqshape
