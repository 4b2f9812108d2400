#include "aggregator/query/name_totals.h"

#include <algorithm>
#include <limits>

namespace fleetqshape {
namespace {

// All threads' counts together take at most so many numbers.
constexpr size_t kMostCounts = size_t{64} << 20;

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

template <typename Count>
void AddCounted(const Piece& piece, FilteredIds* filter, Count* totals) {
  piece.block->arrivals.Visit([&](const auto values) {
    for (size_t i = 0; i < piece.block->name_ids.size(); ++i) {
      const uint32_t id = piece.fleet_id(i);
      if (!filter->Takes(id)) continue;
      totals[id] +=
          static_cast<Count>(piece.scale->Counted(ListOf(*piece.block, values, i)).size());
    }
  });
}

// Count holds any name's sum. A narrow one leaves more of the nearer caches for the rest.
template <typename Count>
NameTotals CountAs(const Scan& scan, const NameFilter& filter, const FleetNames& names,
                   const Crew& crew) {
  using Counts = std::vector<std::vector<Count>>;
  const size_t ids = names.size();
  const size_t groups = scan.groups().size();
  const size_t workers = crew.WorkersFor(ids * groups, kMostCounts);
  std::vector<Counts> counts(workers);
  std::vector<FilteredIds> filters(workers, FilteredIds(filter, names));
  const std::vector<Piece>& pieces = scan.pieces();
  crew.ForEach(pieces.size(), {kPiecesAtATime, workers}, [&](size_t worker, size_t item) {
    const Piece& piece = pieces[item];
    Counts& totals = counts[worker];
    if (totals.empty()) totals.resize(groups);
    std::vector<Count>& group = totals[piece.group];
    if (group.empty()) group.resize(ids, 0);
    if (filter.takes_all() && piece.scale->counts_everything()) {
      AddLengths(piece, group.data());
    } else {
      AddCounted(piece, &filters[worker], group.data());
    }
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

}  // namespace

NameTotals CountNames(const Scan& scan, const NameFilter& filter, const FleetNames& names,
                      const Crew& crew) {
  if (scan.arrivals() <= std::numeric_limits<uint32_t>::max()) {
    return CountAs<uint32_t>(scan, filter, names, crew);
  }
  return CountAs<uint64_t>(scan, filter, names, crew);
}

}  // namespace fleetqshape
