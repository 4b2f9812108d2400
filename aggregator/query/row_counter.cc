#include "aggregator/query/row_counter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "aggregator/query/few_names.h"
#include "aggregator/query/gathered_rows.h"
#include "aggregator/query/table_limits.h"
#include "aggregator/query/total_row.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kNoRow = RowsOfNames::kNoRow;
constexpr size_t kRelaysAtATime = 16;

// Asks for memory that will be read soon.
template <typename Value>
void Prefetch(absl::Span<const Value> values) {
  constexpr size_t kLine = 64;
  const char* const begin = reinterpret_cast<const char*>(values.data());
  const size_t bytes = values.size() * sizeof(Value);
  for (size_t i = 0; i < bytes + kLine - 1; i += kLine) __builtin_prefetch(begin + i);
}

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
  // What one thread counts.
  struct Part {
    GatheredRows rows;  // rows by groups
    std::vector<uint64_t> total;
    std::vector<RowArrivals> arrivals;
  };

  std::vector<Part> MakeParts(size_t workers) const {
    const size_t groups = scan_.groups().size();
    const Part part{{rows_.rows * groups, columns_}, std::vector<uint64_t>(width_, 0), {}};
    return std::vector<Part>(workers, part);
  }

  static CountedRows Sum(std::vector<Part> parts) {
    CountedRows sum;
    for (Part& part : parts) {
      sum.Add({part.rows.Take(), std::move(part.total), std::move(part.arrivals), 0});
    }
    return sum;
  }

  // Whether the rows are of a few names, and TOTAL needs no other.
  bool FindFew() {
    if (!taken_.all()) return false;
    for (uint32_t id = 0; id < rows_.row_of_name.size(); ++id) {
      if (rows_.row_of_name[id] == kNoRow) continue;
      if (few_ids_.size() == FewNames::kMost) return false;
      few_ids_.push_back(id);
    }
    return true;
  }

  // Adds one name's arrivals in a piece to a row.
  template <typename Number>
  void AddList(const RowArrivals& list, absl::Span<const Number> values, Part* part) const {
    const Piece& piece = scan_.pieces()[list.piece];
    part->rows.Add(list.row * scan_.groups().size() + piece.group, *piece.scale,
                   ListOf(*piece.block, values, list.name));
    if (ages_) part->arrivals.push_back(list);
  }

  CountedRows CountFewNames(bool all_ids, size_t workers, const Crew& crew) const {
    const std::vector<Piece>& pieces = scan_.pieces();
    const FewNames few(few_ids_);
    const std::vector<uint32_t>& first_pieces = scan_.first_pieces();
    std::vector<Part> parts = MakeParts(workers);
    crew.ForEach(first_pieces.size() - 1, {kRelaysAtATime, workers},
                 [&](size_t worker, size_t item) {
                   const uint32_t first = first_pieces[item];
                   AskForMemory(item + 1);
                   const auto found = few.FindIn(pieces[first].fleet_ids, all_ids);
                   AddFound(first, first_pieces[item + 1], found, &parts[worker]);
                 });
    return Sum(std::move(parts));
  }

  // Of what will be read first of a later relay: by then it is in a near cache.
  void AskForMemory(size_t relay) const {
    const std::vector<Piece>& pieces = scan_.pieces();
    const std::vector<uint32_t>& first_pieces = scan_.first_pieces();
    if (relay + 2 >= first_pieces.size()) return;
    // The first names of a relay are those that most messages have.
    constexpr size_t kFirstNames = 256;
    for (uint32_t i = first_pieces[relay]; i < first_pieces[relay + 1]; ++i) {
      Prefetch(absl::MakeConstSpan(pieces[i].block->name_ids).subspan(0, kFirstNames));
      Prefetch(absl::MakeConstSpan(pieces[i].block->offsets).subspan(0, kFirstNames));
    }
    Prefetch(pieces[first_pieces[relay]].fleet_ids.subspan(0, 2 * kFirstNames));
    for (uint32_t i = first_pieces[relay + 1]; i < first_pieces[relay + 2]; ++i) {
      Prefetch(absl::MakeConstSpan(pieces[i].block, 1));
    }
  }

  // Adds the names that were found in a relay's table.
  void AddFound(uint32_t first_piece, uint32_t end_piece, const std::vector<FewNames::Found>& found,
                Part* part) const {
    // Memory is asked for all lists before the first one is read: most are in no cache.
    std::vector<RowArrivals> lists;
    for (uint32_t index = first_piece; index < end_piece; ++index) {
      const Block& block = *scan_.pieces()[index].block;
      NameFinder finder(block);
      for (const FewNames::Found& one : found) {
        const auto name = finder.Find(one.name_id);
        if (!name) continue;
        lists.push_back({rows_.row_of_name[few_ids_[one.name]], index, *name});
        __builtin_prefetch(block.offsets.data() + *name);
      }
    }
    for (const RowArrivals& list : lists) {
      const Block& block = *scan_.pieces()[list.piece].block;
      block.arrivals.Visit([&](const auto values) {
        // What follows in a longer list is foreseen by the processor.
        Prefetch(ListOf(block, values, list.name).subspan(0, 128));
      });
    }
    for (const RowArrivals& list : lists) {
      const Block& block = *scan_.pieces()[list.piece].block;
      block.arrivals.Visit([&](const auto values) { AddList(list, values, part); });
    }
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
    is_shown_.reserve(rows_.row_of_name.size());
    for (const uint32_t row : rows_.row_of_name) is_shown_.push_back(row == kNoRow ? 0 : 1);
    std::vector<Part> parts = MakeParts(workers);
    crew.ForEach(scan_.pieces().size(), {kPiecesAtATime, workers}, [&](size_t worker, size_t item) {
      AddPiece(static_cast<uint32_t>(item), &parts[worker]);
    });
    return Sum(std::move(parts));
  }

  void AddPiece(uint32_t index, Part* part) const {
    const Piece& piece = scan_.pieces()[index];
    uint64_t* const total = part->total.data() + piece.group * columns_;
    piece.block->arrivals.Visit([&](const auto values) {
      taken_.ForEach(scan_, index, [&](uint32_t i) {
        const uint32_t id = piece.fleet_id(i);
        if (!taken_.all()) piece.scale->AddSorted(ListOf(*piece.block, values, i), total);
        if (is_shown_[id] != 0) AddList({rows_.row_of_name[id], index, i}, values, part);
      });
    });
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
    for (const auto& [unused, row] : deepest_first) {
      const uint32_t above = rows_.row_above[row];
      if (above == kNoRow) continue;
      for (size_t i = 0; i < width_; ++i) {
        counted->counts[above * width_ + i] += counted->counts[row * width_ + i];
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
  std::vector<uint8_t> is_shown_;  // by fleet id: a fourth of the memory that the rows take
};

}  // namespace

CountedRows CountRows(const Scan& scan, const TakenNames& taken, const NameTotals& totals,
                      const RowsOfNames& rows, bool ages, const Crew& crew) {
  return RowCounter(scan, taken, totals, rows, ages).Count(crew);
}

}  // namespace fleetqshape
