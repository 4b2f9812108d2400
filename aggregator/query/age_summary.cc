#include "aggregator/query/age_summary.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "aggregator/query/answer.h"
#include "aggregator/query/arrival_thresholds.h"

namespace fleetqshape {
namespace {

// A part of the ages that is this small is sorted out at once; a larger one is cut into so many.
constexpr uint64_t kSmallPart = 20'000;
constexpr size_t kParts = 16;

// Some of a piece's arrivals, all of the ages that count.
struct Source {
  const AgeScale* scale;
  absl::Span<const uint32_t> narrow;
  absl::Span<const int64_t> wide;
  bool sorted;

  size_t size() const { return narrow.size() + wide.size(); }
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

// What counts of a row's arrivals in one piece.
void AddSources(const Scan& scan, const RowArrivals& arrivals, std::vector<Source>* sources) {
  const Piece& piece = scan.pieces()[arrivals.piece];
  piece.block->arrivals.Visit([&](const auto values) {
    const auto add = [&](const auto counted, bool sorted) {
      if (counted.empty()) return;
      Source& source = sources->emplace_back(Source{piece.scale, {}, {}, sorted});
      SetValues(counted, &source);
    };
    if (arrivals.name != RowArrivals::kWholeBlock) {
      add(piece.scale->Counted(ListOf(*piece.block, values, arrivals.name)), true);
    } else if (piece.scale->counts_everything()) {
      add(values, false);
    } else {
      for (size_t i = 0; i < piece.block->name_ids.size(); ++i) {
        add(piece.scale->Counted(ListOf(*piece.block, values, i)), true);
      }
    }
  });
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

// Finds the age of a rank by cutting the range of ages into parts, again and again.
class RankSearch {
 public:
  RankSearch(const std::vector<Source>& sources, const Crew* crew)
      : sources_(sources), crew_(crew) {}

  // The range of all ages. There is at least one.
  AgeRange Range() const {
    std::vector<AgeRange> ranges(workers());
    ForEachSource(
        [&](size_t worker, const Source& source) { ranges[worker].Add(RangeOf(source)); });
    return std::accumulate(ranges.begin() + 1, ranges.end(), ranges.front(),
                           [](AgeRange sum, const AgeRange& one) {
                             sum.Add(one);
                             return sum;
                           });
  }

  // The age that `rank` ages are not above of and that comes next.
  int64_t Find(AgeRange range, uint64_t rank) const {
    uint64_t inside = 0;
    for (const Source& source : sources_) inside += source.size();
    // The ages from first on and before end are those that are left.
    int64_t first = range.youngest;
    int64_t end = range.oldest + 1;
    while (inside > kSmallPart && end - first > 1) {
      std::vector<int64_t> cuts;
      for (size_t part = 1; part < kParts; ++part) {
        const int64_t cut = first + static_cast<int64_t>(static_cast<double>(end - first) *
                                                         static_cast<double>(part) / kParts);
        if (cut > (cuts.empty() ? first : cuts.back()) && cut < end) cuts.push_back(cut);
      }
      const std::vector<uint64_t> below = CountBelow(first, cuts);
      cuts.push_back(end);
      size_t part = 0;
      // `below` counts from `first` on.
      while (part < below.size() && below[part] <= rank) ++part;
      const uint64_t before = part == 0 ? 0 : below[part - 1];
      inside = (part < below.size() ? below[part] : inside) - before;
      rank -= before;
      if (part > 0) first = cuts[part - 1];
      end = cuts[part];
    }
    if (end - first <= 1) return first;
    return FindInside(first, end, rank);
  }

 private:
  size_t workers() const { return crew_ == nullptr ? 1 : crew_->workers(); }

  template <typename Use>
  void ForEachSource(const Use& use) const {
    if (crew_ == nullptr) {
      for (const Source& source : sources_) use(0, source);
      return;
    }
    crew_->ForEach(sources_.size(), {},
                   [&](size_t worker, size_t item) { use(worker, sources_[item]); });
  }

  // How many ages lie from `first` on and below each cut.
  std::vector<uint64_t> CountBelow(int64_t first, const std::vector<int64_t>& cuts) const {
    struct PerWorker {
      const AgeScale* scale = nullptr;
      std::optional<ArrivalThresholds> thresholds;
      std::vector<uint64_t> counts;
    };
    std::vector<PerWorker> all(workers());
    ForEachSource([&](size_t worker, const Source& source) {
      PerWorker& one = all[worker];
      if (one.scale != source.scale) {
        one.scale = source.scale;
        // Ages below a cut are arrivals after it.
        const int64_t now = source.scale->now_seconds();
        std::vector<int64_t> thresholds = {now - first + 1};
        for (const int64_t cut : cuts) thresholds.push_back(now - cut + 1);
        one.thresholds.emplace(std::move(thresholds));
        one.counts.resize(cuts.size() + 1, 0);
      }
      source.Visit(
          [&](const auto values) { one.thresholds->CountNotBelow(values, one.counts.data()); });
    });
    std::vector<uint64_t> below(cuts.size(), 0);
    for (const PerWorker& one : all) {
      if (one.counts.empty()) continue;
      // What is from the future is not below the age 0 either.
      const uint64_t before = first == 0 ? 0 : one.counts[0];
      for (size_t i = 0; i < cuts.size(); ++i) below[i] += one.counts[i + 1] - before;
    }
    return below;
  }

  int64_t FindInside(int64_t first, int64_t end, uint64_t rank) const {
    std::vector<std::vector<int64_t>> found(workers());
    ForEachSource([&](size_t worker, const Source& source) {
      const int64_t now = source.scale->now_seconds();
      source.Visit([&](const auto values) {
        for (const auto value : values) {
          const int64_t age = AgeOf(now, value);
          if (age >= first && age < end) found[worker].push_back(age);
        }
      });
    });
    std::vector<int64_t>& ages = found[0];
    for (size_t i = 1; i < found.size(); ++i) {
      ages.insert(ages.end(), found[i].begin(), found[i].end());
    }
    // The question may have been cancelled meanwhile.
    if (rank >= ages.size()) return first;
    const auto wanted = ages.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(ages.begin(), wanted, ages.end());
    return *wanted;
  }

  const std::vector<Source>& sources_;
  const Crew* const crew_;  // null: the caller's thread alone
};

// Of one row and group. `crew` null: in the caller's thread alone.
void Summarize(const std::vector<Source>& sources, const Crew* crew, int64_t* median,
               int64_t* oldest) {
  uint64_t count = 0;
  for (const Source& source : sources) count += source.size();
  if (count == 0) return;
  const RankSearch search(sources, crew);
  const AgeRange range = search.Range();
  *oldest = range.oldest;
  *median = search.Find(range, count / 2);
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
    for (size_t i = begins[cell]; i < begins[cell + 1]; ++i) AddSources(scan, *sorted[i], &sources);
    Summarize(sources, helpers, &ages.median[cell], &ages.oldest[cell]);
  };
  for (size_t cell = 0; cell < cells && !crew.cancelled(); ++cell) {
    if (sizes[cell] > kManyArrivals) summarize(cell, &crew);
  }
  crew.ForEach(cells, {.at_a_time = 16}, [&](size_t /*worker*/, size_t cell) {
    if (sizes[cell] <= kManyArrivals) summarize(cell, nullptr);
  });
  return ages;
}

}  // namespace fleetqshape
