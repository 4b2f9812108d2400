#include "aggregator/query/rank_search.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "aggregator/query/prefetch.h"

namespace fleetqshape {
namespace {

// What they take fits into a near cache.
constexpr int64_t kMostParts = 1 << 15;

// The least and the largest of values in any order.
template <typename Number>
std::pair<Number, Number> Extremes(absl::Span<const Number> values) {
  constexpr size_t kLanes = 8;
  typedef Number Lanes __attribute__((vector_size(kLanes * sizeof(Number))));
  Number least = values.front();
  Number most = least;
  Lanes lane_least = Lanes{} + least;
  Lanes lane_most = lane_least;
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    Lanes lanes;
    std::memcpy(&lanes, values.data() + i, sizeof lanes);
    lane_least = lanes < lane_least ? lanes : lane_least;
    lane_most = lanes > lane_most ? lanes : lane_most;
  }
  for (; i < values.size(); ++i) {
    least = std::min(least, values[i]);
    most = std::max(most, values[i]);
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    least = std::min<Number>(least, lane_least[lane]);
    most = std::max<Number>(most, lane_most[lane]);
  }
  return {least, most};
}

AgeRange RangeOf(const AgeSource& source) {
  AgeRange range;
  const int64_t now = source.scale->now_seconds();
  if (source.seconds != nullptr) {
    const auto [least, most] = source.scale->Clamped(source.seconds->Bounds());
    if (least <= most) range = {AgeOf(now, most), AgeOf(now, least)};
    return range;
  }
  source.Visit([&](const auto values) {
    if (source.sorted) {
      range = {AgeOf(now, values.back()), AgeOf(now, values.front())};
    } else {
      const auto [least, most] = Extremes(values);
      range = {AgeOf(now, most), AgeOf(now, least)};
    }
  });
  return range;
}

// Of sorted values, the ones from `first` to `last`.
absl::Span<const uint32_t> Within(absl::Span<const uint32_t> sorted, int64_t first, int64_t last) {
  const auto begin = std::partition_point(sorted.begin(), sorted.end(),
                                          [first](uint32_t one) { return int64_t{one} < first; });
  const auto end = std::partition_point(begin, sorted.end(),
                                        [last](uint32_t one) { return int64_t{one} <= last; });
  return sorted.subspan(static_cast<size_t>(begin - sorted.begin()),
                        static_cast<size_t>(end - begin));
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
  void AddAge(int64_t age, uint64_t count) {
    if (age >= range_.youngest && age <= range_.oldest) {
      counts_[static_cast<size_t>((age - range_.youngest) >> shift_)] += count;
    }
  }

  // Neither the clock nor these arrivals are far from 0.
  void AddNarrow(const AgeSource& source, uint64_t one) {
    const int64_t now = source.scale->now_seconds();
    const auto [first, last] = Arrivals(source);
    const auto from_first = [now, this](uint32_t arrival) {
      return static_cast<uint64_t>(std::max<int64_t>(now - int64_t{arrival}, 0) - range_.youngest);
    };
    if (source.sorted) {
      for (const uint32_t arrival : Within(source.narrow, first, last)) {
        counts_[from_first(arrival) >> shift_] += one;
      }
      return;
    }
    // Which ages are in the range nobody foresees: no branch depends on it.
    const auto length = static_cast<uint64_t>(range_.oldest - range_.youngest);
    std::array<uint64_t, 256> inside;
    for (size_t i = 0; i < source.narrow.size(); i += inside.size()) {
      size_t count = 0;
      for (const uint32_t arrival : source.narrow.subspan(i, inside.size())) {
        inside[count] = from_first(arrival);
        count += inside[count] <= length ? 1 : 0;  // the others lie beyond
      }
      for (size_t k = 0; k < count; ++k) counts_[inside[k] >> shift_] += one;
    }
  }

  void AddSeconds(const AgeSource& source) {
    const int64_t now = source.scale->now_seconds();
    const auto [first, last] = source.scale->Clamped(Arrivals(source));
    source.seconds->ForEach(
        first, last, [&](int64_t second, uint32_t count) { AddAge(AgeOf(now, second), count); });
  }

  // No others are of ages in the range.
  std::pair<int64_t, int64_t> Arrivals(const AgeSource& source) const {
    const int64_t now = source.scale->now_seconds();
    std::pair<int64_t, int64_t> arrivals = {std::numeric_limits<int64_t>::min(),
                                            std::numeric_limits<int64_t>::max()};
    // What is to come is of age 0.
    if (range_.youngest > 0) arrivals.second = now - range_.youngest;
    if (range_.oldest < kOldestAge) arrivals.first = now - range_.oldest;
    return arrivals;
  }

  AgeRange range_;
  int shift_ = 0;
  std::vector<uint64_t> counts_;
};

void AgeRange::Add(const AgeRange& other) {
  youngest = std::min(youngest, other.youngest);
  oldest = std::max(oldest, other.oldest);
}

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
  // Some of the oldest are likely not to be taken off.
  const AgeRange last = {std::max(range.youngest, range.oldest - (kMostParts - 1)), range.oldest};
  const Parts parts = CountParts(last);
  for (size_t part = parts.size(); part-- > 0;) {
    if (parts[part] > 0) return parts.RangeOf(part).oldest;
  }
  return Find(range, count - 1);
}

}  // namespace fleetqshape
