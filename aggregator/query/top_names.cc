#include "aggregator/query/top_names.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/query/row_order.h"

namespace fleetqshape {
namespace {

// With so many rows, counting all names costs no more.
constexpr size_t kMostRows = 1000;
// How much a name may have in all without being heavy anywhere: one in so many of all arrivals, for
// each row that is wanted. By Zipf's law the twentieth of 200,000 names has one in 256.
constexpr size_t kHeavyShare = 32;

// What is known of a name.
enum : uint8_t { kUnseen = 0, kSeen = 1, kCandidate = 2 };

// Calls use(i) for each name of the block that has at least that many arrivals. Looks at several
// lengths at a time: nearly all are short.
template <typename Use>
void ForEachHeavy(const Block& block, uint32_t heavy, const Use& use) {
  typedef uint32_t Lanes __attribute__((vector_size(16)));
  typedef uint64_t Halves __attribute__((vector_size(16)));
  constexpr size_t kLanes = sizeof(Lanes) / sizeof(uint32_t);
  const uint32_t* const offsets = block.offsets.data();
  const size_t names = block.name_ids.size();
  size_t i = 0;
  for (; i + 2 * kLanes <= names; i += 2 * kLanes) {
    Lanes begins[2];
    Lanes ends[2];
    std::memcpy(begins, offsets + i, sizeof begins);
    std::memcpy(ends, offsets + i + 1, sizeof ends);
    const auto any = (ends[0] - begins[0] >= heavy) | (ends[1] - begins[1] >= heavy);
    const Halves halves = (Halves)any;
    if ((halves[0] | halves[1]) == 0) continue;
    for (size_t k = i; k < i + 2 * kLanes; ++k) {
      if (offsets[k + 1] - offsets[k] >= heavy) use(k);
    }
  }
  for (; i < names; ++i) {
    if (offsets[i + 1] - offsets[i] >= heavy) use(i);
  }
}

class TopNameCounter {
 public:
  TopNameCounter(const TableQuestion& question, const Scan& scan, const FleetNames& names,
                 const Crew& crew)
      : question_(question),
        scan_(scan),
        names_(names),
        ids_(names.size()),
        crew_(crew),
        groups_(scan.groups().size()),
        columns_(scan.columns()) {}

  std::optional<TopNames> Count() {
    if (!FindCandidates()) return std::nullopt;
    LookThroughNames();
    if (crew_.cancelled()) return std::nullopt;
    TopNames top = Choose();
    CountRows(&top);
    if (crew_.cancelled()) return std::nullopt;
    return top;
  }

 private:
  // What one thread finds.
  struct Found {
    std::vector<uint8_t> state;     // by fleet id
    std::vector<uint64_t> totals;   // candidates by groups
    std::vector<uint64_t> total;    // TOTAL: groups by columns
    std::vector<RowArrivals> hits;  // rows are candidates
  };

  template <typename Use>
  void ForEachPiece(const Use& use) const {
    crew_.ForEach(scan_.pieces().size(), {.at_a_time = kPiecesAtATime},
                  [&](size_t worker, size_t item) { use(worker, static_cast<uint32_t>(item)); });
  }

  // As many arrivals make a name of the block heavy: half of what a name may have without that is
  // given to blocks by their size, and half to each block alike, so that small ones do not call
  // every other name heavy.
  uint32_t HeavyCount(const Block& block) const {
    const uint64_t half = 2 * kHeavyShare * question_.max_rows;
    return static_cast<uint32_t>(2 + block.arrivals.size() / half +
                                 scan_.arrivals() / (half * scan_.pieces().size()));
  }

  // Whether the order is by what this piece counts.
  bool IsOrdered(const Piece& piece) const {
    return question_.order != RowOrder::kGroup || piece.group == question_.order_group;
  }

  // The names that may be among the first rows. False: any may.
  bool FindCandidates() {
    // By fleet id: what a name has in blocks in which it is heavy.
    std::vector<std::vector<uint32_t>> heavy(crew_.workers());
    ForEachPiece([&](size_t worker, uint32_t index) {
      const Piece& piece = scan_.pieces()[index];
      if (!IsOrdered(piece)) return;
      const Block& block = *piece.block;
      std::vector<uint32_t>& mine = heavy[worker];
      mine.resize(ids_, 0);
      ForEachHeavy(block, HeavyCount(block), [&](size_t i) {
        mine[piece.fleet_id(i)] += block.offsets[i + 1] - block.offsets[i];
      });
    });
    std::vector<std::pair<uint64_t, uint32_t>> sums;
    for (uint32_t id = 0; id < ids_; ++id) {
      uint64_t sum = 0;
      for (const auto& mine : heavy) sum += mine.empty() ? 0 : mine[id];
      // qshape hides names that start with a dot, since they have no subdomains without -p.
      if (sum > 0 && !names_.starts_with_dot(id)) sums.emplace_back(sum, id);
    }
    if (sums.size() < question_.max_rows) return false;
    // What a name has in blocks in which it is not heavy is no more than this.
    uint64_t most_of_light = 0;
    for (const Piece& piece : scan_.pieces()) {
      if (IsOrdered(piece)) most_of_light += HeavyCount(*piece.block) - 1;
    }
    const auto last = sums.begin() + static_cast<std::ptrdiff_t>(question_.max_rows) - 1;
    std::nth_element(sums.begin(), last, sums.end(), std::greater<>());
    const uint64_t least = last->first;  // that each of the first rows has
    if (least <= most_of_light) return false;
    for (const auto& [sum, id] : sums) {
      if (sum + most_of_light >= least) candidates_.push_back(id);
    }
    std::sort(candidates_.begin(), candidates_.end());
    return true;
  }

  // Finds the candidates' arrivals, and counts TOTAL and the names that there are.
  void LookThroughNames() {
    std::vector<uint8_t> unseen(ids_, kUnseen);
    std::vector<uint32_t> candidate_of(ids_, 0);
    for (uint32_t i = 0; i < candidates_.size(); ++i) {
      unseen[candidates_[i]] = kCandidate;
      candidate_of[candidates_[i]] = i;
    }
    found_.resize(crew_.workers());
    ForEachPiece([&](size_t worker, uint32_t index) {
      Found& found = found_[worker];
      if (found.state.empty()) {
        found.state = unseen;
        found.totals.resize(candidates_.size() * groups_, 0);
        found.total.resize(groups_ * columns_, 0);
      }
      LookThroughPiece(index, candidate_of, &found);
    });
    totals_.resize(candidates_.size() * groups_, 0);
    total_.resize(groups_ * columns_, 0);
    for (const Found& found : found_) {
      if (found.state.empty()) continue;
      for (size_t i = 0; i < totals_.size(); ++i) totals_[i] += found.totals[i];
      for (size_t i = 0; i < total_.size(); ++i) total_[i] += found.total[i];
      for (size_t id = 0; id < ids_; ++id) unseen[id] |= found.state[id];
    }
    for (uint32_t id = 0; id < ids_; ++id) {
      if (unseen[id] != kUnseen && !names_.starts_with_dot(id)) ++visible_;
    }
  }

  void LookThroughPiece(uint32_t index, const std::vector<uint32_t>& candidate_of, Found* found) {
    const Piece& piece = scan_.pieces()[index];
    const Block& block = *piece.block;
    block.arrivals.Visit([&](const auto values) {
      piece.scale->AddUnsorted(values, found->total.data() + piece.group * columns_);
    });
    const uint32_t* const name_ids = block.name_ids.data();
    const uint32_t* const fleet_ids = piece.fleet_ids.data();
    uint8_t* const state = found->state.data();
    const size_t count = block.name_ids.size();
    for (size_t i = 0; i < count; ++i) {
      const uint32_t id = fleet_ids[name_ids[i]];
      if (state[id] == kSeen) continue;
      if (state[id] == kUnseen) {
        state[id] = kSeen;
        continue;
      }
      const uint32_t candidate = candidate_of[id];
      found->totals[candidate * groups_ + piece.group] += block.offsets[i + 1] - block.offsets[i];
      found->hits.push_back({candidate, index, static_cast<uint32_t>(i)});
    }
  }

  TopNames Choose() const {
    std::vector<uint64_t> group_totals;
    for (size_t group = 0; group < groups_; ++group) {
      group_totals.push_back(total_[group * columns_]);
    }
    const RowKeys keys(question_.order, question_.order_group, group_totals);
    std::vector<RowCandidate> rows;
    for (uint32_t i = 0; i < candidates_.size(); ++i) {
      rows.push_back({keys.KeyOf(absl::MakeConstSpan(totals_).subspan(i * groups_, groups_)), i});
    }
    PutIntoOrder(
        question_.order, question_.max_rows,
        [this](uint32_t i) { return names_.name(candidates_[i]); }, &rows);
    TopNames top;
    top.rows = visible_;
    for (const RowCandidate& row : rows) top.ids.push_back(candidates_[row.id]);
    return top;
  }

  void CountRows(TopNames* top) const {
    constexpr uint32_t kNoRow = std::numeric_limits<uint32_t>::max();
    std::vector<uint32_t> row_of_candidate(candidates_.size(), kNoRow);
    for (uint32_t row = 0; row < top->ids.size(); ++row) {
      const auto found = std::lower_bound(candidates_.begin(), candidates_.end(), top->ids[row]);
      row_of_candidate[static_cast<size_t>(found - candidates_.begin())] = row;
    }
    std::vector<RowArrivals> arrivals;
    for (const Found& found : found_) {
      for (RowArrivals hit : found.hits) {
        hit.row = row_of_candidate[hit.row];
        if (hit.row != kNoRow) arrivals.push_back(hit);
      }
    }
    const size_t width = groups_ * columns_;
    std::vector<std::vector<uint64_t>> counts(crew_.workers());
    crew_.ForEach(arrivals.size(), {.at_a_time = 256}, [&](size_t worker, size_t item) {
      const RowArrivals& one = arrivals[item];
      const Piece& piece = scan_.pieces()[one.piece];
      counts[worker].resize(top->ids.size() * width, 0);
      uint64_t* const row = counts[worker].data() + one.row * width + piece.group * columns_;
      piece.block->arrivals.Visit([&](const auto values) {
        piece.scale->AddSorted(ListOf(*piece.block, values, one.name), row);
      });
    });
    top->counted.counts.resize(top->ids.size() * width, 0);
    for (const auto& one : counts) {
      for (size_t i = 0; i < one.size(); ++i) top->counted.counts[i] += one[i];
    }
    top->counted.total = total_;
    top->counted.CountOutside(columns_);
    if (question_.ages) top->counted.arrivals = std::move(arrivals);
  }

  const TableQuestion& question_;
  const Scan& scan_;
  const FleetNames& names_;
  const size_t ids_;  // all fleet ids of the question are below
  const Crew& crew_;
  const size_t groups_;
  const size_t columns_;
  std::vector<uint32_t> candidates_;  // rising fleet ids
  std::vector<Found> found_;          // by worker
  std::vector<uint64_t> totals_;      // candidates by groups
  std::vector<uint64_t> total_;       // groups by columns
  size_t visible_ = 0;
};

// Whether the largest rows of all messages are wanted.
bool WantsTopOfAll(const TableQuestion& question, const Scan& scan) {
  return question.max_rows > 0 && question.max_rows <= kMostRows && question.names.empty() &&
         !question.rows.parents && !question.min_age_seconds && !question.max_age_seconds &&
         (question.order == RowOrder::kTotal || question.order == RowOrder::kGroup) &&
         scan.arrivals() <= std::numeric_limits<uint32_t>::max() && !scan.pieces().empty() &&
         scan.pieces()[0].scale->few_buckets();
}

}  // namespace

std::optional<TopNames> CountTopNames(const TableQuestion& question, const Scan& scan,
                                      const FleetNames& names, const Crew& crew) {
  if (!WantsTopOfAll(question, scan)) return std::nullopt;
  return TopNameCounter(question, scan, names, crew).Count();
}

}  // namespace fleetqshape
