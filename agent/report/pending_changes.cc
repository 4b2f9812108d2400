#include "agent/report/pending_changes.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace fleetqshape {
namespace {

constexpr size_t kSmallTable = 4096;

// Appends `count` arrivals of a name; names come in order, each maybe several times.
class DeltaSide {
 public:
  void Add(uint32_t name_id, int64_t arrival, int64_t count) {
    if (!started_ || name_id != current_) builder_.StartName(name_id);
    started_ = true;
    current_ = name_id;
    for (int64_t i = 0; i < count; ++i) builder_.AddArrival(arrival);
  }
  Block Finish() {
    started_ = false;
    return builder_.Finish();
  }

 private:
  BlockBuilder builder_;
  bool started_ = false;
  uint32_t current_ = 0;
};

}  // namespace

void PendingChanges::Add(const Cell& cell, int64_t change) {
  const auto [entry, inserted] = changes_.try_emplace(cell, 0);
  entry->second += change;
  if (entry->second != 0) return;
  changes_.erase(entry);
  // A table that is nearly empty gives its memory back. Seldom: until the next time as many changes
  // have to come or go again as this one moves.
  if (changes_.capacity() > kSmallTable && changes_.size() < changes_.capacity() / 8) {
    changes_.rehash(0);
  }
}

std::vector<PendingChanges::SectionDelta> PendingChanges::Take() {
  std::vector<std::pair<Cell, int64_t>> changes(changes_.begin(), changes_.end());
  changes_.clear();
  const auto section = [](const Cell& cell) { return std::make_pair(cell.queue, cell.axis); };
  std::sort(changes.begin(), changes.end(), [&](const auto& a, const auto& b) {
    return std::make_tuple(section(a.first), a.first.name_id, a.first.arrival) <
           std::make_tuple(section(b.first), b.first.name_id, b.first.arrival);
  });
  std::vector<SectionDelta> sections;
  DeltaSide gained;
  DeltaSide lost;
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& [cell, change] = changes[i];
    (change > 0 ? gained : lost).Add(cell.name_id, cell.arrival, change > 0 ? change : -change);
    const bool last_of_section =
        i + 1 == changes.size() || section(changes[i + 1].first) != section(cell);
    if (!last_of_section) continue;
    sections.push_back({cell.queue, cell.axis, {gained.Finish(), lost.Finish()}});
  }
  return sections;
}

}  // namespace fleetqshape
