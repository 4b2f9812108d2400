#include "aggregator/query/counted_rows.h"

#include <algorithm>

namespace fleetqshape {
namespace {

void AddNumbers(const std::vector<uint64_t>& from, std::vector<uint64_t>* to) {
  if (to->empty()) {
    *to = from;
    return;
  }
  for (size_t i = 0; i < from.size(); ++i) (*to)[i] += from[i];
}

}  // namespace

void CountedRows::CountOutside(size_t columns) {
  for (size_t i = 0; i < total.size(); i += columns) outside += total[i];
  for (size_t i = 0; i < counts.size(); i += columns) outside -= counts[i];
}

void CountedRows::Add(const CountedRows& other) {
  AddNumbers(other.counts, &counts);
  AddNumbers(other.total, &total);
  if (oldest.empty()) {
    oldest = other.oldest;
  } else {
    for (size_t i = 0; i < other.oldest.size(); ++i) {
      oldest[i] = std::max(oldest[i], other.oldest[i]);
    }
  }
  arrivals.insert(arrivals.end(), other.arrivals.begin(), other.arrivals.end());
}

void AddRowArrivals(const Scan& scan, const TakenNames& taken, uint32_t piece, uint32_t row,
                    std::vector<RowArrivals>* arrivals) {
  if (taken.all()) {
    arrivals->push_back({row, piece});
    return;
  }
  const std::vector<uint32_t>& offsets = scan.pieces()[piece].block->offsets;
  taken.ForEach(scan, piece, [&](uint32_t name) {
    arrivals->push_back({row, piece, offsets[name], offsets[name + 1] - offsets[name]});
  });
}

}  // namespace fleetqshape
