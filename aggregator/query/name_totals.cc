#include "aggregator/query/name_totals.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

namespace fleetqshape {
namespace {

// All threads' counts together take at most so many numbers.
constexpr size_t kMostCounts = size_t{64} << 20;

// Without a filter, and of all ages.
template <typename Count>
void AddLengths(const Piece& piece, PagedColumn<Count>* totals) {
  const Block& block = *piece.block;
  const uint32_t* const name_ids = block.name_ids.data();
  const uint32_t* const offsets = block.offsets.data();
  const uint32_t* const fleet_ids = piece.fleet_ids.data();
  const size_t count = block.name_ids.size();
  for (size_t i = 0; i < count; ++i) {
    totals->At(fleet_ids[name_ids[i]]) += offsets[i + 1] - offsets[i];
  }
}

// Of the names that are taken, and of the ages that count.
template <typename Count>
void AddCounted(const Scan& scan, const TakenNames& taken, size_t index,
                PagedColumn<Count>* totals) {
  const Piece& piece = scan.pieces()[index];
  piece.block->arrivals.Visit([&](const auto values) {
    taken.ForEach(scan, index, [&](uint32_t i) {
      totals->At(piece.fleet_id(i)) +=
          static_cast<Count>(piece.scale->Counted(ListOf(*piece.block, values, i)).size());
    });
  });
}

// Works on all pages of a column of so many ids, in several threads.
void ForEachPage(size_t ids, const Crew& crew, const std::function<void(size_t page)>& use) {
  crew.ForEach(PagedColumn<uint64_t>::PagesOf(ids), {.at_a_time = kPagesAtATime},
               [&](size_t /*worker*/, size_t page) { use(page); });
}

// Counts in several threads: add(item, a function that gives the worker's counts of a group) for
// each item.
template <typename Count, typename Add>
NameTotals CountAs(size_t items, size_t groups, size_t ids, const Crew& crew, const Add& add) {
  using Counts = std::vector<PagedColumn<Count>>;
  const size_t workers = crew.WorkersFor(ids * groups, kMostCounts);
  std::vector<Counts> counts(workers, Counts(groups, PagedColumn<Count>(ids)));
  crew.ForEach(items, {kPiecesAtATime, workers}, [&](size_t worker, size_t item) {
    add(item, [&](size_t group) { return &counts[worker][group]; });
  });
  NameTotals sums(groups, PagedColumn<uint64_t>(ids));
  ForEachPage(ids, crew, [&](size_t page) {
    for (size_t group = 0; group < groups; ++group) {
      for (const Counts& totals : counts) {
        const absl::Span<const Count> some = totals[group].page(page);
        if (some.empty()) continue;
        const absl::Span<uint64_t> all = sums[group].MakePage(page);
        for (size_t i = 0; i < some.size(); ++i) all[i] += some[i];
      }
    }
  });
  return sums;
}

// The group that has more than half of all relays' arrivals, if the fleet's sums are known.
std::optional<uint32_t> FindRest(const Scan& scan) {
  if (scan.sums() == nullptr) return std::nullopt;
  std::vector<uint64_t> arrivals(scan.groups().size(), 0);
  for (const Piece& piece : scan.pieces()) arrivals[piece.group] += piece.block->arrivals.size();
  const auto most = std::max_element(arrivals.begin(), arrivals.end());
  if (*most <= scan.sums()->arrivals / 2) return std::nullopt;
  return static_cast<uint32_t>(most - arrivals.begin());
}

// Counts all names of all ages. What group `rest` has is not looked at: it is the fleet's sums
// without what all others have.
NameTotals CountOthers(const Scan& scan, uint32_t rest, const FleetNames& names, const Crew& crew) {
  // Pieces, and in which group each counts. Relays of no group count where `rest` stands until it
  // is known.
  std::vector<std::pair<const Piece*, uint32_t>> pieces;
  for (const Piece& piece : scan.pieces()) {
    if (piece.group != rest) pieces.emplace_back(&piece, piece.group);
  }
  for (const Piece& piece : scan.others()) pieces.emplace_back(&piece, rest);
  NameTotals totals = CountAs<uint32_t>(pieces.size(), scan.groups().size(), names.size(), crew,
                                        [&](size_t item, const auto& totals_of) {
                                          const auto& [piece, group] = pieces[item];
                                          AddLengths(*piece, totals_of(group));
                                        });
  ForEachPage(names.size(), crew, [&](size_t page) {
    const size_t first = page * NameCounts::kIdsOfPage;
    const std::vector<NameCounts>& sums = scan.sums()->names;
    // The others are part of the fleet: they have nothing where that has nothing.
    if (std::none_of(sums.begin(), sums.end(),
                     [&](const NameCounts& counts) { return counts.HasPage(first); })) {
      return;
    }
    std::array<uint64_t, NameCounts::kIdsOfPage> counts{};
    for (const NameCounts& some : sums) some.AddTo(first, absl::MakeSpan(counts));
    for (const auto& group : totals) {
      const absl::Span<const uint64_t> others = group.page(page);
      for (size_t i = 0; i < others.size(); ++i) counts[i] -= others[i];
    }
    std::copy(counts.begin(), counts.end(), totals[rest].MakePage(page).begin());
  });
  return totals;
}

template <typename Count>
NameTotals CountAllAs(const Scan& scan, const TakenNames& taken, const FleetNames& names,
                      const Crew& crew) {
  const bool whole = taken.all() && scan.window().everything();
  return CountAs<Count>(scan.pieces().size(), scan.groups().size(), names.size(), crew,
                        [&](size_t item, const auto& totals_of) {
                          const Piece& piece = scan.pieces()[item];
                          PagedColumn<Count>* const totals = totals_of(piece.group);
                          whole ? AddLengths(piece, totals) : AddCounted(scan, taken, item, totals);
                        });
}

}  // namespace

NameTotals CountNames(const Scan& scan, const TakenNames& taken, const FleetNames& names,
                      const Crew& crew) {
  if (taken.all() && scan.window().everything()) {
    if (const auto rest = FindRest(scan)) return CountOthers(scan, *rest, names, crew);
  }
  // Narrow counts leave more of the nearer caches for the rest.
  return scan.arrivals() <= std::numeric_limits<uint32_t>::max()
             ? CountAllAs<uint32_t>(scan, taken, names, crew)
             : CountAllAs<uint64_t>(scan, taken, names, crew);
}

}  // namespace fleetqshape
