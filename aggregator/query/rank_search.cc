#include "aggregator/query/rank_search.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace fleetqshape {
namespace {

constexpr int kPartBits = 10;
constexpr size_t kParts = size_t{1} << kPartBits;

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

// So that the parts reach `length` seconds on.
int ShiftOf(int64_t length) {
  int shift = 0;
  while ((length >> shift) >= static_cast<int64_t>(kParts)) ++shift;
  return shift;
}

}  // namespace

// How many ages there are in each part of 2^shift seconds from `first` on. Others do not count.
class RankSearch::Parts {
 public:
  Parts(int64_t first, int shift) : first_(first), shift_(shift) {}

  int64_t first() const { return first_; }
  int shift() const { return shift_; }
  uint64_t operator[](size_t part) const { return counts_[0][part] + counts_[1][part]; }

  void Add(const AgeSource& source) {
    const int64_t now = source.scale->now_seconds();
    if (source.seconds != nullptr) {
      AddSeconds(source);
    } else if (source.narrow.empty()) {
      for (const int64_t arrival : source.wide) AddAge(AgeOf(now, arrival), OneOf(source), 0);
    } else {
      AddNarrow(now, source.narrow, OneOf(source));
    }
  }
  void Add(const Parts& other) {
    for (size_t part = 0; part < kParts; ++part) counts_[0][part] += other[part];
  }

 private:
  static uint64_t OneOf(const AgeSource& source) { return source.taken_off ? ~uint64_t{0} : 1; }

  void AddAge(int64_t age, uint64_t count, size_t half) {
    // What is before `first` is far beyond the last part.
    const uint64_t part = static_cast<uint64_t>(age - first_) >> shift_;
    if (part < kParts) counts_[half][part] += count;
  }

  // Neither the clock nor these arrivals are far from 0. Neighbours are often of one part: they
  // need not wait for each other.
  void AddNarrow(int64_t now, absl::Span<const uint32_t> arrivals, uint64_t one) {
    const int64_t first = first_;
    const int shift = shift_;
    uint64_t* const even = counts_[0].data();
    uint64_t* const odd = counts_[1].data();
    const auto part_of = [=](uint32_t arrival) {
      return static_cast<uint64_t>(std::max<int64_t>(now - int64_t{arrival}, 0) - first) >> shift;
    };
    size_t i = 0;
    for (; i + 2 <= arrivals.size(); i += 2) {
      const uint64_t first_part = part_of(arrivals[i]);
      const uint64_t second_part = part_of(arrivals[i + 1]);
      if (first_part < kParts) even[first_part] += one;
      if (second_part < kParts) odd[second_part] += one;
    }
    if (i < arrivals.size()) AddAge(std::max<int64_t>(now - int64_t{arrivals[i]}, 0), one, 0);
  }

  void AddSeconds(const AgeSource& source) {
    const int64_t now = source.scale->now_seconds();
    // The other seconds are of younger ages, but for the future, which is of age 0; or of older
    // ones.
    const int64_t latest = first_ == 0 ? std::numeric_limits<int64_t>::max() : now - first_;
    int64_t length = 0;
    int64_t earliest = 0;
    if (__builtin_mul_overflow(int64_t{kParts}, int64_t{1} << shift_, &length) ||
        __builtin_sub_overflow(now - first_, length, &earliest)) {
      earliest = std::numeric_limits<int64_t>::min();
    }
    const auto [least, most] = source.scale->Clamped({earliest, latest});
    source.seconds->ForEach(least, most, [&](int64_t second, uint32_t count) {
      AddAge(AgeOf(now, second), count, second & 1);
    });
  }

  int64_t first_;
  int shift_;
  std::array<std::array<uint64_t, kParts>, 2> counts_ = {};
};

void AgeRange::Add(const AgeRange& other) {
  youngest = std::min(youngest, other.youngest);
  oldest = std::max(oldest, other.oldest);
}

template <typename Use>
void RankSearch::ForEachSource(const Use& use) const {
  if (crew_ == nullptr) {
    for (const AgeSource& source : sources_) use(0, source);
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

RankSearch::Parts RankSearch::CountParts(int64_t first, int shift) const {
  std::vector<Parts> all(workers(), Parts(first, shift));
  ForEachSource([&](size_t worker, const AgeSource& source) { all[worker].Add(source); });
  for (size_t i = 1; i < all.size(); ++i) all[0].Add(all[i]);
  return all[0];
}

int64_t RankSearch::FindInside(const Parts& all, uint64_t rank) const {
  size_t part = 0;
  for (; part + 1 < kParts && all[part] <= rank; ++part) rank -= all[part];
  const int64_t first = all.first() + (static_cast<int64_t>(part) << all.shift());
  if (all.shift() == 0) return first;
  return FindInside(CountParts(first, std::max(all.shift() - kPartBits, 0)), rank);
}

std::vector<int64_t> RankSearch::Find(const AgeRange& range,
                                      const std::vector<uint64_t>& ranks) const {
  std::vector<int64_t> ages(ranks.size(), 0);
  if (range.empty()) return ages;  // cancelled
  const Parts all = CountParts(range.youngest, ShiftOf(range.oldest - range.youngest));
  for (size_t i = 0; i < ranks.size(); ++i) {
    ages[i] = std::min(FindInside(all, ranks[i]), range.oldest);
  }
  return ages;
}

}  // namespace fleetqshape
