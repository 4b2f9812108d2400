#include "aggregator/query/row_counter.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "aggregator/query/few_names.h"
#include "aggregator/query/few_rows.h"
#include "aggregator/query/row_parts.h"
#include "aggregator/query/table_limits.h"
#include "aggregator/query/total_row.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kNoRow = RowsOfNames::kNoRow;
constexpr size_t kRelaysAtATime = 16;

// Where there are few rows, those of all names fit into a near cache.
constexpr uint8_t kNoNearRow = std::numeric_limits<uint8_t>::max();
using NearRows = PagedColumn<uint8_t, kNoNearRow>;
static_assert(static_cast<uint8_t>(kNoRow) == kNoNearRow);

class RowCounter {
 public:
  RowCounter(const Scan& scan, const TakenNames& taken, const NameTotals& totals,
             const RowsOfNames& rows, bool ages)
      : scan_(scan),
        taken_(taken),
        totals_(totals),
        rows_(rows),
        ages_(ages),
        columns_(scan.columns()),
        width_(scan.groups().size() * scan.columns()) {}

  CountedRows Count(const Crew& crew) {
    const size_t workers = crew.WorkersFor(rows_.rows * width_, kMaxTableNumbers);
    CountedRows sum;
    if (FindFew()) {
      sum = CountFewNames(false, workers, crew);
      if (!IsWhole(sum) && !crew.cancelled()) sum = CountFewNames(true, workers, crew);
    } else {
      sum = CountAllNames(workers, crew);
    }
    if (taken_.all()) sum.total = CountTotal(scan_, crew);
    sum.CountOutside(columns_);
    AddRowsAbove(&sum);
    return sum;
  }

 private:
  std::vector<RowPart> MakeParts(size_t workers) const {
    return std::vector<RowPart>(workers, RowPart(scan_, rows_.rows, ages_));
  }

  // Whether the rows are of a few names, and TOTAL needs no other.
  bool FindFew() {
    if (!taken_.all()) return false;
    for (size_t page = 0; page < rows_.row_of_name.pages(); ++page) {
      const absl::Span<const uint32_t> rows = rows_.row_of_name.page(page);
      for (size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] == kNoRow) continue;
        if (few_ids_.size() == FewNames::kMost) return false;
        few_ids_.push_back(static_cast<uint32_t>(page * RowsOfNames::Column::kIdsOfPage + i));
      }
    }
    return true;
  }

  CountedRows CountFewNames(bool all_ids, size_t workers, const Crew& crew) const {
    const FewNames names(few_ids_);
    std::vector<uint32_t> rows;
    for (const uint32_t id : few_ids_) rows.push_back(rows_.row_of_name[id]);
    std::vector<RowPart> parts = MakeParts(workers);
    std::vector<FewRows> counters;
    for (RowPart& part : parts) counters.emplace_back(scan_, names, rows, all_ids, &part);
    crew.ForEach(scan_.first_pieces().size() - 1, {kRelaysAtATime, workers},
                 [&](size_t worker, size_t relay) { counters[worker].Add(relay); });
    for (FewRows& counter : counters) counter.Finish();
    return TakeAll(std::move(parts));
  }

  // Whether all that the names have was found.
  bool IsWhole(const CountedRows& counted) const {
    const size_t groups = totals_.size();
    std::vector<uint64_t> missing(rows_.rows * groups, 0);
    for (const uint32_t id : few_ids_) {
      for (size_t group = 0; group < groups; ++group) {
        missing[rows_.row_of_name[id] * groups + group] += totals_[group][id];
      }
    }
    for (size_t i = 0; i < missing.size(); ++i) missing[i] -= counted.counts[i * columns_];
    return std::all_of(missing.begin(), missing.end(), [](uint64_t count) { return count == 0; });
  }

  CountedRows CountAllNames(size_t workers, const Crew& crew) {
    if (rows_.rows >= kNoNearRow) return CountAllNames(rows_.row_of_name, kNoRow, workers, crew);
    NearRows near_rows(rows_.row_of_name.size());
    for (size_t page = 0; page < near_rows.pages(); ++page) {
      const absl::Span<const uint32_t> rows = rows_.row_of_name.page(page);
      if (rows.empty()) continue;
      // kNoRow becomes kNoNearRow.
      std::transform(rows.begin(), rows.end(), near_rows.MakePage(page).begin(),
                     [](uint32_t row) { return static_cast<uint8_t>(row); });
    }
    return CountAllNames(near_rows, kNoNearRow, workers, crew);
  }

  template <typename Rows>
  CountedRows CountAllNames(const Rows& row_of_name, uint32_t no_row, size_t workers,
                            const Crew& crew) {
    std::vector<RowPart> parts = MakeParts(workers);
    crew.ForEach(scan_.pieces().size(), {kPiecesAtATime, workers}, [&](size_t worker, size_t item) {
      AddPiece(row_of_name, no_row, static_cast<uint32_t>(item), &parts[worker]);
    });
    return TakeAll(std::move(parts));
  }

  template <typename Rows>
  void AddPiece(const Rows& row_of_name, uint32_t no_row, uint32_t index, RowPart* part) const {
    const Piece& piece = scan_.pieces()[index];
    piece.block->arrivals.Visit([&](const auto values) {
      if (taken_.all()) {
        AddAllNames(row_of_name, no_row, index, values, part);
        return;
      }
      uint64_t* const total = part->total(piece.group);
      taken_.ForEach(scan_, index, [&](uint32_t i) {
        piece.scale->AddSorted(ListOf(*piece.block, values, i), total);
        const uint32_t row = row_of_name[piece.fleet_id(i)];
        if (row != no_row) part->Add(row, index, i, values);
      });
    });
  }

  template <typename Rows, typename Number>
  void AddAllNames(const Rows& row_of_name, uint32_t no_row, uint32_t index,
                   absl::Span<const Number> values, RowPart* part) const {
    const Piece& piece = scan_.pieces()[index];
    const size_t names = piece.block->name_ids.size();
    // Which names have rows nobody foresees: no branch waits for what the memory gives.
    constexpr size_t kAtOnce = 256;
    std::array<std::pair<uint32_t, uint32_t>, kAtOnce> found;  // names of the block, and rows
    for (size_t first = 0; first < names; first += kAtOnce) {
      const size_t end = std::min(first + kAtOnce, names);
      size_t count = 0;
      for (size_t i = first; i < end; ++i) {
        const uint32_t row = row_of_name[piece.fleet_id(i)];
        found[count] = {static_cast<uint32_t>(i), row};
        count += row != no_row ? 1 : 0;
      }
      for (size_t k = 0; k < count; ++k) part->Add(found[k].second, index, found[k].first, values);
    }
  }

  // What counts in a row counts in those above it, too.
  void AddRowsAbove(CountedRows* counted) const {
    if (rows_.row_above.empty()) return;
    const auto depth = [this](uint32_t row) {
      size_t depth = 0;
      for (; row != kNoRow; row = rows_.row_above[row]) ++depth;
      return depth;
    };
    std::vector<std::pair<size_t, uint32_t>> deepest_first;
    for (uint32_t row = 0; row < rows_.rows; ++row) deepest_first.emplace_back(depth(row), row);
    std::sort(deepest_first.rbegin(), deepest_first.rend());
    const size_t groups = scan_.groups().size();
    for (const auto& [unused, row] : deepest_first) {
      const uint32_t above = rows_.row_above[row];
      if (above == kNoRow) continue;
      for (size_t i = 0; i < width_; ++i) {
        counted->counts[above * width_ + i] += counted->counts[row * width_ + i];
      }
      for (size_t group = 0; ages_ && group < groups; ++group) {
        int64_t& oldest = counted->oldest[above * groups + group];
        oldest = std::max(oldest, counted->oldest[row * groups + group]);
      }
    }
    const size_t own = counted->arrivals.size();
    for (size_t i = 0; i < own; ++i) {
      RowArrivals arrivals = counted->arrivals[i];
      while ((arrivals.row = rows_.row_above[arrivals.row]) != kNoRow) {
        counted->arrivals.push_back(arrivals);
      }
    }
  }

  const Scan& scan_;
  const TakenNames& taken_;
  const NameTotals& totals_;
  const RowsOfNames& rows_;
  const bool ages_;
  const size_t columns_;
  const size_t width_;             // of a row: groups by columns
  std::vector<uint32_t> few_ids_;  // of those names that have rows
};

}  // namespace

CountedRows CountRows(const Scan& scan, const TakenNames& taken, const NameTotals& totals,
                      const RowsOfNames& rows, bool ages, const Crew& crew) {
  return RowCounter(scan, taken, totals, rows, ages).Count(crew);
}

}  // namespace fleetqshape
