#include "aggregator/query/taken_names.h"

#include <optional>

namespace fleetqshape {
namespace {

// A filter's answers by fleet id, each worked out once. For one thread.
class FilteredIds {
 public:
  FilteredIds(const NameFilter& filter, const FleetNames& names)
      : filter_(filter), names_(names), known_(names.size()) {}

  bool Takes(uint32_t fleet_id) {
    // Names may have come since.
    if (fleet_id >= known_.size()) known_.resize(fleet_id + size_t{1});
    signed char& known = known_[fleet_id];
    if (known == 0) known = filter_.Takes(names_.name(fleet_id)) ? 1 : -1;
    return known > 0;
  }

 private:
  const NameFilter& filter_;
  const FleetNames& names_;
  std::vector<signed char> known_;  // 0: not yet; 1: yes; -1: no
};

}  // namespace

TakenNames::TakenNames(const Scan& scan, const NameFilter& filter, const FleetNames& names,
                       const Crew& crew)
    : all_(filter.takes_all()) {
  if (all_) return;
  taken_.resize(scan.pieces().size());
  const std::optional<std::vector<uint32_t>> ids = filter.FindIds(names);
  if (ids && ids->size() <= FewNames::kMost) {
    FindFew(scan, FewNames(*ids), crew);
  } else {
    LookAtAll(scan, filter, names, crew);
  }
}

void TakenNames::FindFew(const Scan& scan, const FewNames& few, const Crew& crew) {
  const std::vector<uint32_t>& first_pieces = scan.first_pieces();
  crew.ForEach(first_pieces.size() - 1, {.at_a_time = kPiecesAtATime},
               [&](size_t /*worker*/, size_t relay) {
                 const uint32_t first = first_pieces[relay];
                 std::vector<FewNames::Found> found;
                 std::vector<FoundInBlock> in_block;
                 few.FindIn(scan.pieces()[first].fleet_ids, true, &found);
                 for (uint32_t index = first; index < first_pieces[relay + 1]; ++index) {
                   FindInBlock(*scan.pieces()[index].block, found, &in_block);
                   for (const FoundInBlock& one : in_block) taken_[index].push_back(one.index);
                 }
               });
}

void TakenNames::LookAtAll(const Scan& scan, const NameFilter& filter, const FleetNames& names,
                           const Crew& crew) {
  std::vector<FilteredIds> filters(crew.workers(), FilteredIds(filter, names));
  crew.ForEach(taken_.size(), {.at_a_time = kPiecesAtATime}, [&](size_t worker, size_t index) {
    const Piece& piece = scan.pieces()[index];
    for (uint32_t i = 0; i < piece.block->name_ids.size(); ++i) {
      if (filters[worker].Takes(piece.fleet_id(i))) taken_[index].push_back(i);
    }
  });
}

}  // namespace fleetqshape
