#include "aggregator/query/age_summary.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "aggregator/query/age_sources.h"
#include "aggregator/query/answer.h"
#include "aggregator/query/rank_search.h"
#include "aggregator/query/total_row.h"

namespace fleetqshape {
namespace {

// So few ages are put into order at once.
constexpr uint64_t kFewAges = 4096;

// Of one row and group. `crew` null: in the caller's thread alone.
void Summarize(const std::vector<AgeSource>& sources, const Crew* crew, int64_t* median,
               int64_t* oldest) {
  uint64_t count = 0;
  bool from_sums = false;
  for (const AgeSource& source : sources) {
    count += source.taken_off ? -source.size() : source.size();
    from_sums = from_sums || source.seconds != nullptr;
  }
  if (count == 0) return;
  if (from_sums || count > kFewAges) {
    const RankSearch search(&sources, crew);
    const AgeRange range = search.Range();
    std::vector<uint64_t> ranks = {count / 2};
    if (from_sums) ranks.push_back(count - 1);
    const std::vector<int64_t> found = search.Find(range, ranks);
    *median = found[0];
    // Where some are taken off, the oldest may be among them.
    *oldest = from_sums ? found[1] : range.oldest;
    return;
  }
  std::vector<int64_t> ages;
  for (const AgeSource& source : sources) {
    source.Visit([&](const auto values) {
      for (const auto value : values) ages.push_back(AgeOf(source.scale->now_seconds(), value));
    });
  }
  const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(count / 2);
  std::nth_element(ages.begin(), middle, ages.end());
  *median = *middle;
  *oldest = *std::max_element(middle, ages.end());
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

uint64_t ArrivalsOf(const Scan& scan, const RowArrivals& arrivals) {
  const Block& block = *scan.pieces()[arrivals.piece].block;
  if (arrivals.name == RowArrivals::kWholeBlock) return block.arrivals.size();
  return block.offsets[arrivals.name + 1] - block.offsets[arrivals.name];
}

}  // namespace

AgeSummary SummarizeAges(const Scan& scan, size_t rows, const std::vector<RowArrivals>& arrivals,
                         const Crew& crew) {
  const size_t groups = scan.groups().size();
  const size_t cells = rows * groups;
  const auto cell_of = [&](const RowArrivals& one) {
    return one.row * groups + scan.pieces()[one.piece].group;
  };
  // By cell: where each one's arrivals begin.
  std::vector<size_t> begins(cells + 1, 0);
  for (const RowArrivals& one : arrivals) ++begins[cell_of(one) + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<const RowArrivals*> sorted(arrivals.size());
  std::vector<size_t> next(begins.begin(), begins.end() - 1);
  std::vector<uint64_t> sizes(cells, 0);
  for (const RowArrivals& one : arrivals) {
    const size_t cell = cell_of(one);
    sorted[next[cell]++] = &one;
    sizes[cell] += ArrivalsOf(scan, one);
  }

  AgeSummary ages{std::vector<int64_t>(cells, TableAnswer::kNoAge),
                  std::vector<int64_t>(cells, TableAnswer::kNoAge)};
  const auto summarize = [&](size_t cell, const Crew* helpers) {
    std::vector<AgeSource> sources;
    for (size_t i = begins[cell]; i < begins[cell + 1]; ++i) {
      const Piece& piece = scan.pieces()[sorted[i]->piece];
      AddSources(piece, *piece.scale, sorted[i]->name, false, &sources);
    }
    Summarize(sources, helpers, &ages.median[cell], &ages.oldest[cell]);
  };
  for (size_t cell = 0; cell < cells && !crew.cancelled(); ++cell) {
    if (sizes[cell] > kManyArrivals) summarize(cell, &crew);
  }
  crew.ForEach(cells, {.at_a_time = std::clamp<size_t>(cells / 64, 1, 16)},
               [&](size_t /*worker*/, size_t cell) {
                 if (sizes[cell] <= kManyArrivals) summarize(cell, nullptr);
               });
  return ages;
}

AgeSummary SummarizeTotalAges(const Scan& scan, const Crew& crew) {
  const size_t groups = scan.groups().size();
  AgeSummary ages{std::vector<int64_t>(groups, TableAnswer::kNoAge),
                  std::vector<int64_t>(groups, TableAnswer::kNoAge)};
  const MostOfFleet most = FindMost(scan);
  for (uint32_t group = 0; group < groups && !crew.cancelled(); ++group) {
    Summarize(SourcesOfTotal(scan, most, group), &crew, &ages.median[group], &ages.oldest[group]);
  }
  return ages;
}

}  // namespace fleetqshape
