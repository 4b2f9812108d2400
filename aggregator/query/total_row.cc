#include "aggregator/query/total_row.h"

#include <cstddef>
#include <map>
#include <utility>

namespace fleetqshape {

MostOfFleet FindMost(const Scan& scan) {
  if (scan.sums() == nullptr) return {};
  std::map<std::pair<uint32_t, const AgeScale*>, uint64_t> arrivals;
  for (const Piece& piece : scan.pieces()) {
    arrivals[{piece.group, piece.scale}] += piece.block->arrivals.size();
  }
  for (const auto& [part, count] : arrivals) {
    if (count > scan.sums()->arrivals / 2) return {part.first, part.second};
  }
  return {};
}

std::vector<uint64_t> CountTotal(const Scan& scan, const Crew& crew) {
  const size_t columns = scan.columns();
  const MostOfFleet most = FindMost(scan);
  std::vector<const Piece*> pieces;
  for (const Piece& piece : scan.pieces()) {
    if (!most.Has(piece)) pieces.push_back(&piece);
  }
  if (most.scale != nullptr) {
    for (const Piece& piece : scan.others()) pieces.push_back(&piece);
  }
  // By groups, then what is to be taken off the sums; by columns.
  const size_t groups = scan.groups().size();
  std::vector<std::vector<uint64_t>> counted(crew.workers());
  crew.ForEach(pieces.size(), {.at_a_time = kPiecesAtATime}, [&](size_t worker, size_t item) {
    const Piece& piece = *pieces[item];
    counted[worker].resize((groups + 1) * columns, 0);
    uint64_t* const rows = counted[worker].data();
    if (piece.group != Piece::kNoGroup) {
      AddBlock(*piece.block, *piece.scale, rows + piece.group * columns);
    }
    if (most.scale != nullptr) AddBlock(*piece.block, *most.scale, rows + groups * columns);
  });
  std::vector<uint64_t> total(groups * columns, 0);
  if (most.scale != nullptr) {
    uint64_t* const row = total.data() + most.group * columns;
    for (const ArrivalCounts& seconds : scan.sums()->seconds) most.scale->AddSeconds(seconds, row);
    for (const auto& rows : counted) {
      for (size_t i = 0; i < columns && !rows.empty(); ++i) row[i] -= rows[groups * columns + i];
    }
  }
  for (const auto& rows : counted) {
    for (size_t i = 0; i < total.size() && !rows.empty(); ++i) total[i] += rows[i];
  }
  return total;
}

}  // namespace fleetqshape
