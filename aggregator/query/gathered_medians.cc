#include "aggregator/query/gathered_medians.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "absl/types/span.h"
#include "aggregator/query/age_sources.h"
#include "aggregator/query/answer.h"
#include "aggregator/query/median_bucket.h"
#include "aggregator/query/prefetch.h"

namespace fleetqshape {
namespace {

// Larger buckets are counted by their seconds instead (RankSearch), by all threads.
constexpr uint64_t kMostOfCell = 64 << 10;
// What all cells gather takes 4 bytes each.
constexpr uint64_t kMostGathered = 8 << 20;

class Gatherer {
 public:
  Gatherer(const Scan& scan, const CountedRows& rows)
      : scan_(scan), rows_(rows), cells_(rows.counts.size() / scan.columns()) {
    for (size_t index = 0; index < cells_.size(); ++index) SetUp(index);
    ages_.resize(gathered_);
  }

  GatheredMedians Find(const Crew& crew) {
    crew.ForEach(rows_.arrivals.size(), {.at_a_time = 1024},
                 [this](size_t /*worker*/, size_t item) { Gather(item); });
    GatheredMedians found;
    found.medians.resize(cells_.size(), TableAnswer::kNoAge);
    crew.ForEach(cells_.size(), {.at_a_time = std::clamp<size_t>(cells_.size() / 64, 1, 16)},
                 [&](size_t /*worker*/, size_t index) {
                   if (cells_[index].taken > 0) found.medians[index] = MedianOf(&cells_[index]);
                 });
    found.left = std::move(left_);
    return found;
  }

 private:
  struct Cell {
    MedianBucket bucket;  // its count is 0 if nothing is to be gathered
    size_t first = 0;     // in ages_
    std::atomic<uint64_t> taken = 0;
  };

  void SetUp(size_t index) {
    const auto columns =
        absl::MakeConstSpan(rows_.counts).subspan(index * scan_.columns(), scan_.columns());
    if (columns[0] == 0) return;
    const MedianBucket bucket = FindMedianBucket(scan_.edges(), columns, {0, rows_.oldest[index]});
    const bool narrow =
        bucket.range.oldest - bucket.range.youngest <= std::numeric_limits<uint32_t>::max();
    if (!narrow || bucket.count > kMostOfCell || gathered_ + bucket.count > kMostGathered) {
      left_.push_back(index);
      return;
    }
    cells_[index].bucket = bucket;
    cells_[index].first = gathered_;
    gathered_ += bucket.count;
  }

  void Ask(size_t item) const {
    if (item >= rows_.arrivals.size()) return;
    const RowArrivals& list = rows_.arrivals[item];
    scan_.pieces()[list.piece].block->arrivals.Visit([&](const auto values) {
      Prefetch(values.subspan(list.first, list.count).subspan(0, 64));
    });
  }

  void Gather(size_t item) {
    Ask(item + 8);
    const RowArrivals& list = rows_.arrivals[item];
    const Piece& piece = scan_.pieces()[list.piece];
    Cell& cell = cells_[list.row * scan_.groups().size() + piece.group];
    if (cell.bucket.count == 0) return;
    const int64_t now = piece.scale->now_seconds();
    piece.block->arrivals.Visit([&](const auto values) {
      const auto counted = piece.scale->Counted(values.subspan(list.first, list.count));
      const auto inside = Within(counted, now, cell.bucket.range);
      if (inside.empty()) return;
      uint32_t* to = ages_.data() + cell.first +
                     cell.taken.fetch_add(inside.size(), std::memory_order_relaxed);
      for (const auto arrival : inside) {
        *to++ = static_cast<uint32_t>(AgeOf(now, int64_t{arrival}) - cell.bucket.range.youngest);
      }
    });
  }

  int64_t MedianOf(Cell* cell) {
    const auto first = ages_.begin() + static_cast<std::ptrdiff_t>(cell->first);
    const uint64_t rank = std::min<uint64_t>(cell->bucket.rank, cell->taken - 1);  // cancelled
    const auto median = first + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(first, median, first + static_cast<std::ptrdiff_t>(cell->taken));
    return cell->bucket.range.youngest + int64_t{*median};
  }

  const Scan& scan_;
  const CountedRows& rows_;
  std::vector<Cell> cells_;
  std::vector<size_t> left_;
  uint64_t gathered_ = 0;
  std::vector<uint32_t> ages_;  // above their range's youngest, by cells
};

}  // namespace

GatheredMedians GatherMedians(const Scan& scan, const CountedRows& rows, const Crew& crew) {
  return Gatherer(scan, rows).Find(crew);
}

}  // namespace fleetqshape
