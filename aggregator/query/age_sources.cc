#include "aggregator/query/age_sources.h"

#include <cstddef>

#include "aggregator/query/counted_rows.h"

namespace fleetqshape {
namespace {

// Takes parts of a source that has them all.
template <typename Number>
void SetValues(absl::Span<const Number> values, AgeSource* source) {
  if constexpr (sizeof(Number) == sizeof(uint32_t)) {
    source->narrow = values;
  } else {
    source->wide = values;
  }
}

}  // namespace

void AddSources(const Piece& piece, const AgeScale& scale, uint32_t name, bool taken_off,
                std::vector<AgeSource>* sources) {
  piece.block->arrivals.Visit([&](const auto values) {
    const auto add = [&](const auto counted, bool sorted) {
      if (counted.empty()) return;
      AgeSource& source = sources->emplace_back();
      source.scale = &scale;
      source.sorted = sorted;
      source.taken_off = taken_off;
      SetValues(counted, &source);
    };
    if (name != RowArrivals::kWholeBlock) {
      add(scale.Counted(ListOf(*piece.block, values, name)), true);
    } else if (scale.counts_everything()) {
      add(values, false);
    } else {
      for (size_t i = 0; i < piece.block->name_ids.size(); ++i) {
        add(scale.Counted(ListOf(*piece.block, values, i)), true);
      }
    }
  });
}

void AddSources(const FleetSums& sums, const AgeScale& scale, std::vector<AgeSource>* sources) {
  for (const ArrivalCounts& seconds : sums.seconds) {
    AgeSource& source = sources->emplace_back();
    source.scale = &scale;
    source.seconds = &seconds;
  }
}

}  // namespace fleetqshape
