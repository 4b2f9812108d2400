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

// Of one row and group. `crew` null: in the caller's thread alone. Nothing is taken off.
void Summarize(const std::vector<AgeSource>& sources, const Crew* crew, int64_t* median,
               int64_t* oldest) {
  uint64_t count = 0;
  for (const AgeSource& source : sources) count += source.size();
  if (count == 0) return;
  if (count > kFewAges) {
    const RankSearch search(&sources, crew);
    const AgeRange range = search.Range();
    *oldest = range.oldest;
    *median = search.Find(range, {count / 2})[0];
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
    const bool from_sums = group == most.group;
    std::vector<AgeSource> sources;
    if (from_sums) AddSources(*scan.sums(), *most.scale, &sources);
    for (const Piece& piece : scan.pieces()) {
      if (from_sums && !most.Has(piece)) {
        AddSources(piece, *most.scale, RowArrivals::kWholeBlock, true, &sources);
      }
      if (piece.group != group || (from_sums && most.Has(piece))) continue;
      AddSources(piece, *piece.scale, RowArrivals::kWholeBlock, false, &sources);
    }
    if (!from_sums) {
      Summarize(sources, &crew, &ages.median[group], &ages.oldest[group]);
      continue;
    }
    for (const Piece& piece : scan.others()) {
      AddSources(piece, *most.scale, RowArrivals::kWholeBlock, true, &sources);
    }
    uint64_t count = 0;
    for (const AgeSource& source : sources) {
      count += source.taken_off ? -source.size() : source.size();
    }
    if (count == 0) continue;
    const RankSearch search(&sources, &crew);
    const auto found = search.Find(search.Range(), {count / 2, count - 1});
    ages.median[group] = found[0];
    ages.oldest[group] = found[1];
  }
  return ages;
}

}  // namespace fleetqshape
