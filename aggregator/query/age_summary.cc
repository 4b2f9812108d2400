#include "aggregator/query/age_summary.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "aggregator/query/answer.h"
#include "aggregator/query/total_row.h"

namespace fleetqshape {
namespace {

// So few ages are put into order at once.
constexpr uint64_t kFewAges = 4096;
// More of them are counted, in so many parts of their range; then one part's in parts of it.
constexpr int kPartBits = 10;
constexpr size_t kParts = size_t{1} << kPartBits;

// Some arrivals, of the ages that count: of a piece, or of the fleet's sums.
struct Source {
  const AgeScale* scale = nullptr;
  absl::Span<const uint32_t> narrow = {};
  absl::Span<const int64_t> wide = {};
  bool sorted = false;
  const ArrivalCounts* seconds = nullptr;  // not null: of those that the scale counts
  bool taken_off = false;                  // of the sums: they are among these

  uint64_t size() const {
    return seconds != nullptr ? scale->Count(*seconds) : narrow.size() + wide.size();
  }
  template <typename Use>
  void Visit(const Use& use) const {
    narrow.empty() ? use(wide) : use(narrow);
  }
};

// Takes parts of a source that has them all.
template <typename Number>
void SetValues(absl::Span<const Number> values, Source* source) {
  if constexpr (sizeof(Number) == sizeof(uint32_t)) {
    source->narrow = values;
  } else {
    source->wide = values;
  }
}

// What counts of a piece's arrivals by this clock: of one name, or kWholeBlock.
void AddSources(const Piece& piece, const AgeScale& scale, uint32_t name, bool taken_off,
                std::vector<Source>* sources) {
  piece.block->arrivals.Visit([&](const auto values) {
    const auto add = [&](const auto counted, bool sorted) {
      if (counted.empty()) return;
      Source& source = sources->emplace_back();
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

void AddSums(const FleetSums& sums, const AgeScale& scale, std::vector<Source>* sources) {
  for (const ArrivalCounts& seconds : sums.seconds) {
    Source& source = sources->emplace_back();
    source.scale = &scale;
    source.seconds = &seconds;
  }
}

// A message from the future is 0 seconds old. Arrivals may be any number.
constexpr int64_t kOldest = int64_t{1} << 62;

int64_t AgeOf(int64_t now_seconds, int64_t arrival) {
  int64_t age = 0;
  if (__builtin_sub_overflow(now_seconds, arrival, &age)) return arrival < 0 ? kOldest : 0;
  return std::clamp<int64_t>(age, 0, kOldest);
}

struct AgeRange {
  int64_t youngest = std::numeric_limits<int64_t>::max();
  int64_t oldest = std::numeric_limits<int64_t>::min();

  void Add(const AgeRange& other) {
    youngest = std::min(youngest, other.youngest);
    oldest = std::max(oldest, other.oldest);
  }
};

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

AgeRange RangeOf(const Source& source) {
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

// How many ages there are in each part of 2^shift seconds from `first` on. Others do not count.
class Parts {
 public:
  Parts(int64_t first, int shift) : first_(first), shift_(shift) {}

  int64_t first() const { return first_; }
  int shift() const { return shift_; }
  uint64_t operator[](size_t part) const { return counts_[0][part] + counts_[1][part]; }

  void Add(const Source& source) {
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
  static uint64_t OneOf(const Source& source) { return source.taken_off ? ~uint64_t{0} : 1; }

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

  void AddSeconds(const Source& source) {
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

// Finds ages by their rank among all ages of some sources.
class RankSearch {
 public:
  // Without a crew in the caller's thread alone.
  RankSearch(const std::vector<Source>& sources, const Crew* crew)
      : sources_(sources), crew_(crew) {}

  // The range of all ages, or more where some are taken off.
  AgeRange Range() const {
    std::vector<AgeRange> ranges(workers());
    ForEachSource([&](size_t worker, const Source& source) {
      if (!source.taken_off) ranges[worker].Add(RangeOf(source));
    });
    for (const AgeRange& range : ranges) ranges[0].Add(range);
    return ranges[0];
  }

  // For each of these ranks, the age that so many are not above of and that comes next.
  template <size_t kRanks>
  std::array<int64_t, kRanks> Find(const AgeRange& range,
                                   const std::array<uint64_t, kRanks>& ranks) const {
    const Parts all = CountParts(range.youngest, ShiftOf(range.oldest - range.youngest));
    std::array<int64_t, kRanks> ages;
    for (size_t i = 0; i < kRanks; ++i) {
      ages[i] = std::min(FindInside(all, ranks[i]), range.oldest);
    }
    return ages;
  }

 private:
  // So that the parts reach `length` seconds on.
  static int ShiftOf(int64_t length) {
    int shift = 0;
    while ((length >> shift) >= static_cast<int64_t>(kParts)) ++shift;
    return shift;
  }

  int64_t FindInside(const Parts& all, uint64_t rank) const {
    size_t part = 0;
    for (; part + 1 < kParts && all[part] <= rank; ++part) rank -= all[part];
    const int64_t first = all.first() + (static_cast<int64_t>(part) << all.shift());
    if (all.shift() == 0) return first;
    return FindInside(CountParts(first, std::max(all.shift() - kPartBits, 0)), rank);
  }

  size_t workers() const { return crew_ == nullptr ? 1 : crew_->workers(); }

  template <typename Use>
  void ForEachSource(const Use& use) const {
    if (crew_ == nullptr) {
      for (const Source& source : sources_) use(0, source);
      return;
    }
    crew_->ForEach(sources_.size(), {.at_a_time = std::clamp<size_t>(sources_.size() / 64, 1, 16)},
                   [&](size_t worker, size_t item) { use(worker, sources_[item]); });
  }

  Parts CountParts(int64_t first, int shift) const {
    std::vector<Parts> all(workers(), Parts(first, shift));
    ForEachSource([&](size_t worker, const Source& source) { all[worker].Add(source); });
    for (size_t i = 1; i < all.size(); ++i) all[0].Add(all[i]);
    return all[0];
  }

  const std::vector<Source>& sources_;
  const Crew* const crew_;
};

// Of one row and group. `crew` null: in the caller's thread alone. Nothing is taken off.
void Summarize(const std::vector<Source>& sources, const Crew* crew, int64_t* median,
               int64_t* oldest) {
  uint64_t count = 0;
  for (const Source& source : sources) count += source.size();
  if (count == 0) return;
  if (count > kFewAges) {
    const RankSearch search(sources, crew);
    const AgeRange range = search.Range();
    *oldest = range.oldest;
    *median = search.Find<1>(range, {count / 2})[0];
    return;
  }
  std::vector<int64_t> ages;
  for (const Source& source : sources) {
    source.Visit([&](const auto values) {
      for (const auto value : values) ages.push_back(AgeOf(source.scale->now_seconds(), value));
    });
  }
  const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(count / 2);
  std::nth_element(ages.begin(), middle, ages.end());
  *median = *middle;
  *oldest = *std::max_element(middle, ages.end());
}

// Beyond it the whole crew works on one row.
constexpr uint64_t kManyArrivals = 1'000'000;

uint64_t ArrivalsOf(const Scan& scan, const RowArrivals& arrivals) {
  const Block& block = *scan.pieces()[arrivals.piece].block;
  if (arrivals.name == RowArrivals::kWholeBlock) return block.arrivals.size();
  return block.offsets[arrivals.name + 1] - block.offsets[arrivals.name];
}

}  // namespace

AgeSummary SummarizeAges(const Scan& scan, size_t rows, const std::vector<RowArrivals>& arrivals,
                         const Crew& crew) {
  const size_t groups = scan.groups().size();
  const size_t cells = rows * groups;
  const auto cell_of = [&](const RowArrivals& one) {
    return one.row * groups + scan.pieces()[one.piece].group;
  };
  // By cell: where each one's arrivals begin.
  std::vector<size_t> begins(cells + 1, 0);
  for (const RowArrivals& one : arrivals) ++begins[cell_of(one) + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<const RowArrivals*> sorted(arrivals.size());
  std::vector<size_t> next(begins.begin(), begins.end() - 1);
  std::vector<uint64_t> sizes(cells, 0);
  for (const RowArrivals& one : arrivals) {
    const size_t cell = cell_of(one);
    sorted[next[cell]++] = &one;
    sizes[cell] += ArrivalsOf(scan, one);
  }

  AgeSummary ages{std::vector<int64_t>(cells, TableAnswer::kNoAge),
                  std::vector<int64_t>(cells, TableAnswer::kNoAge)};
  const auto summarize = [&](size_t cell, const Crew* helpers) {
    std::vector<Source> sources;
    for (size_t i = begins[cell]; i < begins[cell + 1]; ++i) {
      const Piece& piece = scan.pieces()[sorted[i]->piece];
      AddSources(piece, *piece.scale, sorted[i]->name, false, &sources);
    }
    Summarize(sources, helpers, &ages.median[cell], &ages.oldest[cell]);
  };
  for (size_t cell = 0; cell < cells && !crew.cancelled(); ++cell) {
    if (sizes[cell] > kManyArrivals) summarize(cell, &crew);
  }
  crew.ForEach(cells, {.at_a_time = std::clamp<size_t>(cells / 64, 1, 16)},
               [&](size_t /*worker*/, size_t cell) {
                 if (sizes[cell] <= kManyArrivals) summarize(cell, nullptr);
               });
  return ages;
}

AgeSummary SummarizeTotalAges(const Scan& scan, const Crew& crew) {
  const size_t groups = scan.groups().size();
  AgeSummary ages{std::vector<int64_t>(groups, TableAnswer::kNoAge),
                  std::vector<int64_t>(groups, TableAnswer::kNoAge)};
  const MostOfFleet most = FindMost(scan);
  for (uint32_t group = 0; group < groups && !crew.cancelled(); ++group) {
    const bool from_sums = group == most.group;
    std::vector<Source> sources;
    if (from_sums) AddSums(*scan.sums(), *most.scale, &sources);
    for (const Piece& piece : scan.pieces()) {
      if (from_sums && !most.Has(piece)) {
        AddSources(piece, *most.scale, RowArrivals::kWholeBlock, true, &sources);
      }
      if (piece.group != group || (from_sums && most.Has(piece))) continue;
      AddSources(piece, *piece.scale, RowArrivals::kWholeBlock, false, &sources);
    }
    if (!from_sums) {
      Summarize(sources, &crew, &ages.median[group], &ages.oldest[group]);
      continue;
    }
    for (const Piece& piece : scan.others()) {
      AddSources(piece, *most.scale, RowArrivals::kWholeBlock, true, &sources);
    }
    uint64_t count = 0;
    for (const Source& source : sources) {
      count += source.taken_off ? -source.size() : source.size();
    }
    if (count == 0) continue;
    const RankSearch search(sources, &crew);
    const auto found = search.Find<2>(search.Range(), {count / 2, count - 1});
    ages.median[group] = found[0];
    ages.oldest[group] = found[1];
  }
  return ages;
}

}  // namespace fleetqshape
