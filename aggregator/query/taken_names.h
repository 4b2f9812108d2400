// The names that a question is about, in each piece.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_TAKEN_NAMES_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_TAKEN_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aggregator/ingest/fleet_names.h"
#include "aggregator/query/few_names.h"
#include "aggregator/query/name_filter.h"
#include "aggregator/query/parallel.h"
#include "aggregator/query/scan.h"

namespace fleetqshape {

// Which names of each of a scan's pieces a filter takes. Immutable.
class TakenNames {
 public:
  // Looks through all pieces, unless all names are taken. Is not whole if the question is
  // cancelled.
  TakenNames(const Scan& scan, const NameFilter& filter, const FleetNames& names, const Crew& crew);

  // Whether all names of all pieces are taken.
  bool all() const { return all_; }
  // Calls use(i) for each name that is taken of piece `index`.
  template <typename Use>
  void ForEach(const Scan& scan, size_t index, const Use& use) const {
    if (!all_) {
      for (const uint32_t i : taken_[index]) use(i);
      return;
    }
    const auto names = static_cast<uint32_t>(scan.pieces()[index].block->name_ids.size());
    for (uint32_t i = 0; i < names; ++i) use(i);
  }

 private:
  void FindFew(const Scan& scan, const FewNames& few, const Crew& crew);
  void LookAtAll(const Scan& scan, const NameFilter& filter, const FleetNames& names,
                 const Crew& crew);

  bool all_;
  std::vector<std::vector<uint32_t>> taken_;  // by piece; of the block's names
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_TAKEN_NAMES_H_
