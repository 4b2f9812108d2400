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

// Larger buckets are counted by their seconds instead (RankSearch).
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
  // There may be some millions of them: 32 bits hold what the bounds above allow.
  struct Cell {
    int64_t youngest = 0;  // of the bucket that has the median
    uint32_t seconds = 0;  // from there to the oldest
    uint32_t rank = 0;     // MedianBucket
    uint32_t first = 0;    // in ages_
    bool gathers = false;
    std::atomic<uint32_t> taken = 0;
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
    Cell& cell = cells_[index];
    cell.youngest = bucket.range.youngest;
    cell.seconds = static_cast<uint32_t>(bucket.range.oldest - bucket.range.youngest);
    cell.rank = static_cast<uint32_t>(bucket.rank);
    cell.first = static_cast<uint32_t>(gathered_);
    cell.gathers = true;
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
    if (!cell.gathers) return;
    const int64_t now = piece.scale->now_seconds();
    piece.block->arrivals.Visit([&](const auto values) {
      const auto counted = piece.scale->Counted(values.subspan(list.first, list.count));
      const auto inside = Within(counted, now, {cell.youngest, cell.youngest + cell.seconds});
      if (inside.empty()) return;
      const auto count = static_cast<uint32_t>(inside.size());
      uint32_t* to =
          ages_.data() + cell.first + cell.taken.fetch_add(count, std::memory_order_relaxed);
      for (const auto arrival : inside) {
        *to++ = static_cast<uint32_t>(AgeOf(now, int64_t{arrival}) - cell.youngest);
      }
    });
  }

  int64_t MedianOf(Cell* cell) {
    const uint32_t taken = cell->taken.load(std::memory_order_relaxed);
    uint32_t* const first = ages_.data() + cell->first;
    uint32_t* const median = first + std::min(cell->rank, taken - 1);  // less if cancelled
    std::nth_element(first, median, first + taken);
    return cell->youngest + int64_t{*median};
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
