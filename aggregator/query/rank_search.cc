#include "aggregator/query/rank_search.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "aggregator/query/prefetch.h"

namespace fleetqshape {
namespace {

// What they take fits into a near cache.
constexpr int64_t kMostParts = 1 << 16;

AgeRange RangeOf(const AgeSource& source) {
  const auto [first, last] = source.Bounds();
  if (first > last) return {};
  const int64_t now = source.scale->now_seconds();
  return {AgeOf(now, last), AgeOf(now, first)};
}

}  // namespace

// How many ages there are in each part of a range: of 2^shift seconds, but for the last one. Others
// do not count.
class RankSearch::Parts {
 public:
  explicit Parts(const AgeRange& range) : range_(range) {
    const int64_t last = range.oldest - range.youngest;
    while ((last >> shift_) >= kMostParts) ++shift_;
    counts_.resize(static_cast<size_t>(last >> shift_) + 1, 0);
  }

  size_t size() const { return counts_.size(); }
  uint64_t operator[](size_t part) const { return counts_[part]; }
  AgeRange RangeOf(size_t part) const {
    const int64_t first = range_.youngest + (static_cast<int64_t>(part) << shift_);
    return {first, std::min(first + ((int64_t{1} << shift_) - 1), range_.oldest)};
  }

  void Add(const AgeSource& source) {
    const int64_t now = source.scale->now_seconds();
    const uint64_t one = source.taken_off ? ~uint64_t{0} : 1;
    if (source.bounds && !MayHave(*source.bounds, now)) return;
    if (source.seconds != nullptr) {
      AddSeconds(source);
    } else if (source.narrow.empty()) {
      for (const int64_t arrival : source.wide) AddAge(AgeOf(now, arrival), one);
    } else {
      AddNarrow(source, one);
    }
  }
  void Add(const Parts& other) {
    for (size_t part = 0; part < size(); ++part) counts_[part] += other[part];
  }

 private:
  bool MayHave(const std::pair<int64_t, int64_t>& bounds, int64_t now) const {
    const auto [first, last] = ArrivalsOf(range_, now);
    return bounds.first <= last && bounds.second >= first;
  }

  void AddAge(int64_t age, uint64_t count) {
    if (age >= range_.youngest && age <= range_.oldest) {
      counts_[static_cast<size_t>((age - range_.youngest) >> shift_)] += count;
    }
  }

  // Neither the clock nor these arrivals are far from 0.
  void AddNarrow(const AgeSource& source, uint64_t one) {
    const int64_t now = source.scale->now_seconds();
    const auto from_first = [now, this](uint32_t arrival) {
      return static_cast<uint64_t>(std::max<int64_t>(now - int64_t{arrival}, 0) - range_.youngest);
    };
    if (source.sorted) {
      for (const uint32_t arrival : Within(source.narrow, now, range_)) {
        counts_[from_first(arrival) >> shift_] += one;
      }
      return;
    }
    constexpr int64_t kLast = std::numeric_limits<uint32_t>::max();
    const auto [first, last] = ArrivalsOf(range_, now);
    if (first > kLast || last < 0) return;
    const auto low = static_cast<uint32_t>(std::max<int64_t>(first, 0));
    const uint32_t length = static_cast<uint32_t>(std::min(last, kLast)) - low;
    // Which arrivals are inside nobody foresees: no branch depends on it.
    std::array<uint32_t, 256> inside;
    for (size_t i = 0; i < source.narrow.size(); i += inside.size()) {
      size_t count = 0;
      for (const uint32_t arrival : source.narrow.subspan(i, inside.size())) {
        inside[count] = arrival;
        count += arrival - low <= length ? 1 : 0;  // what is below lies beyond
      }
      for (size_t k = 0; k < count; ++k) counts_[from_first(inside[k]) >> shift_] += one;
    }
  }

  void AddSeconds(const AgeSource& source) {
    const int64_t now = source.scale->now_seconds();
    const auto [first, last] = source.scale->Clamped(ArrivalsOf(range_, now));
    source.seconds->ForEach(
        first, last, [&](int64_t second, uint32_t count) { AddAge(AgeOf(now, second), count); });
  }

  AgeRange range_;
  int shift_ = 0;
  std::vector<uint64_t> counts_;
};

void RankSearch::AskForSource(size_t index) const {
  if (index >= sources_.size() || sources_[index].seconds != nullptr) return;
  sources_[index].Visit([](const auto values) { Prefetch(values.subspan(0, kForeseen)); });
}

template <typename Use>
void RankSearch::ForEachSource(const Use& use) const {
  if (crew_ == nullptr) {
    for (size_t i = 0; i < sources_.size(); ++i) {
      AskForSource(i + 8);
      use(0, sources_[i]);
    }
    return;
  }
  crew_->ForEach(sources_.size(), {.at_a_time = std::clamp<size_t>(sources_.size() / 64, 1, 16)},
                 [&](size_t worker, size_t item) { use(worker, sources_[item]); });
}

AgeRange RankSearch::Range() const {
  std::vector<AgeRange> ranges(workers());
  ForEachSource([&](size_t worker, const AgeSource& source) {
    if (!source.taken_off) ranges[worker].Add(RangeOf(source));
  });
  for (const AgeRange& range : ranges) ranges[0].Add(range);
  return ranges[0];
}

RankSearch::Parts RankSearch::CountParts(const AgeRange& range) const {
  std::vector<Parts> all(workers(), Parts(range));
  ForEachSource([&](size_t worker, const AgeSource& source) { all[worker].Add(source); });
  for (size_t i = 1; i < all.size(); ++i) all[0].Add(all[i]);
  return std::move(all[0]);
}

int64_t RankSearch::Find(const AgeRange& range, uint64_t rank) const {
  if (range.empty()) return 0;  // cancelled
  if (range.youngest == range.oldest) return range.oldest;
  const Parts parts = CountParts(range);
  size_t part = 0;
  for (; part + 1 < parts.size() && parts[part] <= rank; ++part) rank -= parts[part];
  return Find(parts.RangeOf(part), rank);
}

int64_t RankSearch::FindOldest(const AgeRange& range, uint64_t count) const {
  if (range.empty()) return 0;  // cancelled
  // Some of the oldest are likely not to be taken off; and few ages are looked at soonest.
  for (int64_t seconds = 64; seconds <= kMostParts; seconds *= 32) {
    const AgeRange last = {std::max(range.youngest, range.oldest - (seconds - 1)), range.oldest};
    const Parts parts = CountParts(last);
    for (size_t part = parts.size(); part-- > 0;) {
      if (parts[part] > 0) return parts.RangeOf(part).oldest;
    }
  }
  return Find(range, count - 1);
}

}  // namespace fleetqshape
