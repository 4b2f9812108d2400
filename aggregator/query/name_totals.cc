#include "aggregator/query/name_totals.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace fleetqshape {
namespace {

// All threads' counts together take at most so many numbers.
constexpr size_t kMostCounts = size_t{64} << 20;

// So many ids are worth taking at a time: pages of NameCounts.
constexpr size_t kIdsAtATime = 16 * NameCounts::kIdsOfPage;

// Without a filter, and of all ages.
template <typename Count>
void AddLengths(const Piece& piece, Count* totals) {
  const Block& block = *piece.block;
  const uint32_t* const name_ids = block.name_ids.data();
  const uint32_t* const offsets = block.offsets.data();
  const uint32_t* const fleet_ids = piece.fleet_ids.data();
  const size_t count = block.name_ids.size();
  for (size_t i = 0; i < count; ++i) {
    totals[fleet_ids[name_ids[i]]] += offsets[i + 1] - offsets[i];
  }
}

// Of the names that are taken, and of the ages that count.
template <typename Count>
void AddCounted(const Scan& scan, const TakenNames& taken, size_t index, Count* totals) {
  const Piece& piece = scan.pieces()[index];
  piece.block->arrivals.Visit([&](const auto values) {
    taken.ForEach(scan, index, [&](uint32_t i) {
      totals[piece.fleet_id(i)] +=
          static_cast<Count>(piece.scale->Counted(ListOf(*piece.block, values, i)).size());
    });
  });
}

// Counts in several threads: add(worker's counts by group, item) for each item.
template <typename Count, typename Add>
NameTotals CountAs(size_t items, size_t groups, size_t ids, const Crew& crew, const Add& add) {
  using Counts = std::vector<std::vector<Count>>;
  const size_t workers = crew.WorkersFor(ids * groups, kMostCounts);
  std::vector<Counts> counts(workers);
  crew.ForEach(items, {kPiecesAtATime, workers}, [&](size_t worker, size_t item) {
    counts[worker].resize(groups);
    add(item, [&](size_t group) {
      std::vector<Count>& totals = counts[worker][group];
      if (totals.empty()) totals.resize(ids, 0);
      return totals.data();
    });
  });
  NameTotals sums(groups, std::vector<uint64_t>(ids, 0));
  for (size_t group = 0; group < groups; ++group) {
    for (const Counts& totals : counts) {
      if (totals.empty() || totals[group].empty()) continue;
      for (size_t id = 0; id < ids; ++id) sums[group][id] += totals[group][id];
    }
  }
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
  const size_t ids = totals[rest].size();
  crew.ForEach((ids + kIdsAtATime - 1) / kIdsAtATime, {}, [&](size_t /*worker*/, size_t part) {
    const size_t first = part * kIdsAtATime;
    const size_t end = std::min(ids, first + kIdsAtATime);
    for (size_t id = first; id < end && !pieces.empty(); ++id) {
      uint64_t others = 0;
      for (const auto& group : totals) others += group[id];
      totals[rest][id] = -others;
    }
    for (const NameCounts& sums : scan.sums()->names) {
      sums.AddTo(first, absl::MakeSpan(totals[rest]).subspan(first, end - first));
    }
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
                          Count* const totals = totals_of(piece.group);
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
