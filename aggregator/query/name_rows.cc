#include "aggregator/query/name_rows.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/query/age_summary.h"
#include "aggregator/query/counted_rows.h"
#include "aggregator/query/name_filter.h"
#include "aggregator/query/name_totals.h"
#include "aggregator/query/parent_domains.h"
#include "aggregator/query/row_order.h"
#include "aggregator/query/table_limits.h"
#include "aggregator/query/top_names.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kNoRow = std::numeric_limits<uint32_t>::max();

// The rows that are shown, in their order, as ids: of names, or of nodes where there are parents.
struct ShownRows {
  std::vector<uint32_t> ids;
  size_t all = 0;  // with those that are not shown
};

// Chooses them from all names' totals.
class RowChooser {
 public:
  RowChooser(const TableQuestion& question, const NameTotals& totals, const FleetNames& names,
             const ParentDomains* parents)
      : question_(question), totals_(totals), names_(names), parents_(parents) {}

  ShownRows Choose() const {
    std::vector<uint64_t> group_totals;
    for (const auto& group : totals_) {
      group_totals.push_back(std::accumulate(group.begin(), group.end(), uint64_t{0}));
    }
    const RowKeys keys(question_.order, question_.order_group, group_totals);
    const size_t ids = parents_ == nullptr ? totals_[0].size() : parents_->size();
    std::vector<uint64_t> counts(totals_.size());
    std::vector<RowCandidate> candidates;
    ShownRows rows;
    for (uint32_t id = 0; id < ids; ++id) {
      const uint64_t sum = CountsOf(id, &counts);
      if (sum == 0 || !IsVisible(id)) continue;
      candidates.push_back({keys.KeyOf(counts), id});
    }
    rows.all = candidates.size();
    PutIntoOrder(
        question_.order, question_.max_rows, [this](uint32_t id) { return NameOf(id); },
        &candidates);
    for (const RowCandidate& candidate : candidates) rows.ids.push_back(candidate.id);
    return rows;
  }

  std::string_view NameOf(uint32_t id) const {
    return parents_ == nullptr ? names_.name(id) : parents_->name(id);
  }

 private:
  // By group; returns their sum.
  uint64_t CountsOf(uint32_t id, std::vector<uint64_t>* counts) const {
    uint64_t sum = 0;
    for (size_t group = 0; group < counts->size(); ++group) {
      (*counts)[group] = parents_ == nullptr ? totals_[group][id] : parents_->sum(group, id);
      sum += (*counts)[group];
    }
    return sum;
  }

  // qshape hides names that start with a dot and have too few subdomains.
  bool IsVisible(uint32_t id) const {
    if (parents_ == nullptr) return !names_.starts_with_dot(id);
    if (!NameOf(id).starts_with('.')) return true;
    return parents_->subdomains(id) >= question_.rows.min_subdomains;
  }

  const TableQuestion& question_;
  const NameTotals& totals_;
  const FleetNames& names_;
  const ParentDomains* const parents_;  // null: not wanted
};

// In which rows a name counts: in one, and in those that lie above it.
struct RowsOfNames {
  std::vector<uint32_t> row_of_name;  // by fleet id; kNoRow
  std::vector<uint32_t> row_above;    // by row; kNoRow. Empty without parents.
};

RowsOfNames FindRows(const std::vector<uint32_t>& shown, size_t fleet_ids,
                     const ParentDomains* parents) {
  RowsOfNames rows;
  std::vector<uint32_t> row_of_id(parents == nullptr ? fleet_ids : parents->size(), kNoRow);
  for (uint32_t row = 0; row < shown.size(); ++row) row_of_id[shown[row]] = row;
  if (parents == nullptr) {
    rows.row_of_name = std::move(row_of_id);
    return rows;
  }
  const auto nearest = [&](uint32_t node) {
    while (node != ParentDomains::kNone && row_of_id[node] == kNoRow) node = parents->parent(node);
    return node == ParentDomains::kNone ? kNoRow : row_of_id[node];
  };
  rows.row_of_name.resize(fleet_ids, kNoRow);
  for (uint32_t id = 0; id < fleet_ids; ++id) {
    if (parents->is_node(id)) rows.row_of_name[id] = nearest(id);
  }
  for (const uint32_t node : shown) rows.row_above.push_back(nearest(parents->parent(node)));
  return rows;
}

// Counts the rows' arrivals, and TOTAL's.
class RowCounter {
 public:
  RowCounter(const TableQuestion& question, const Scan& scan, const NameFilter& filter,
             const FleetNames& names, const RowsOfNames& rows, size_t row_count)
      : question_(question),
        scan_(scan),
        filter_(filter),
        names_(names),
        rows_(rows),
        row_count_(row_count) {
    is_shown_.reserve(rows.row_of_name.size());
    for (const uint32_t row : rows.row_of_name) is_shown_.push_back(row == kNoRow ? 0 : 1);
  }

  CountedRows Count(const Crew& crew) const {
    const size_t numbers = row_count_ * scan_.groups().size() * scan_.columns();
    const size_t workers = crew.WorkersFor(numbers, kMaxTableNumbers);
    std::vector<CountedRows> counted(workers);
    std::vector<FilteredIds> filters(workers, FilteredIds(filter_, names_));
    crew.ForEach(scan_.pieces().size(), {kPiecesAtATime, workers}, [&](size_t worker, size_t item) {
      Prepare(&counted[worker]);
      AddPiece(static_cast<uint32_t>(item), &filters[worker], &counted[worker]);
    });
    CountedRows& sum = counted[0];
    Prepare(&sum);
    for (size_t i = 1; i < workers; ++i) {
      if (!counted[i].total.empty()) sum.Add(counted[i]);
    }
    sum.CountOutside(scan_.columns());
    AddRowsAbove(&sum);
    return std::move(sum);
  }

 private:
  void Prepare(CountedRows* counted) const {
    const size_t width = scan_.groups().size() * scan_.columns();
    counted->counts.resize(row_count_ * width, 0);
    counted->total.resize(width, 0);
  }

  void AddPiece(uint32_t index, FilteredIds* filter, CountedRows* counted) const {
    const Piece& piece = scan_.pieces()[index];
    const Block& block = *piece.block;
    const size_t columns = scan_.columns();
    const size_t width = scan_.groups().size() * columns;
    uint64_t* const total = counted->total.data() + piece.group * columns;
    const bool total_at_once = filter_.takes_all() && piece.scale->few_buckets();
    block.arrivals.Visit([&](const auto values) {
      if (total_at_once) piece.scale->AddUnsorted(values, total);
      for (size_t i = 0; i < block.name_ids.size(); ++i) {
        const uint32_t id = piece.fleet_id(i);
        if (total_at_once && is_shown_[id] == 0) continue;
        const uint32_t row = rows_.row_of_name[id];
        if (!filter->Takes(id)) continue;
        const auto list = ListOf(block, values, i);
        if (!total_at_once) piece.scale->AddSorted(list, total);
        if (row == kNoRow) continue;
        piece.scale->AddSorted(list, counted->counts.data() + row * width + piece.group * columns);
        if (question_.ages) counted->arrivals.push_back({row, index, static_cast<uint32_t>(i)});
      }
    });
  }

  // What counts in a row counts in those above it, too.
  void AddRowsAbove(CountedRows* counted) const {
    if (rows_.row_above.empty()) return;
    const auto depth = [this](uint32_t row) {
      size_t depth = 0;
      for (; row != kNoRow; row = rows_.row_above[row]) ++depth;
      return depth;
    };
    std::vector<std::pair<size_t, uint32_t>> deepest_first;
    for (uint32_t row = 0; row < row_count_; ++row) deepest_first.emplace_back(depth(row), row);
    std::sort(deepest_first.rbegin(), deepest_first.rend());
    const size_t width = scan_.groups().size() * scan_.columns();
    for (const auto& [unused, row] : deepest_first) {
      const uint32_t above = rows_.row_above[row];
      if (above == kNoRow) continue;
      for (size_t i = 0; i < width; ++i) {
        counted->counts[above * width + i] += counted->counts[row * width + i];
      }
    }
    const size_t own = counted->arrivals.size();
    for (size_t i = 0; i < own; ++i) {
      RowArrivals arrivals = counted->arrivals[i];
      while ((arrivals.row = rows_.row_above[arrivals.row]) != kNoRow) {
        counted->arrivals.push_back(arrivals);
      }
    }
  }

  const TableQuestion& question_;
  const Scan& scan_;
  const NameFilter& filter_;
  const FleetNames& names_;
  const RowsOfNames& rows_;
  const size_t row_count_;
  std::vector<uint8_t> is_shown_;  // by fleet id: a fourth of the memory that the rows take
};

template <typename NameOf>
void FillAnswer(const TableQuestion& question, const Scan& scan, const Crew& crew,
                const std::vector<uint32_t>& ids, const NameOf& name_of, CountedRows counted,
                TableAnswer* answer) {
  answer->names.reserve(ids.size());
  for (const uint32_t id : ids) answer->names.emplace_back(name_of(id));
  if (question.ages) {
    AgeSummary ages = SummarizeAges(scan, ids.size(), counted.arrivals, crew);
    answer->median_ages = std::move(ages.median);
    answer->oldest_ages = std::move(ages.oldest);
  }
  answer->cut_off_total = counted.outside;
  answer->counts = std::move(counted.counts);
  answer->total = std::move(counted.total);
}

}  // namespace

absl::Status AnswerByNames(const TableQuestion& question, const Scan& scan, const FleetNames& names,
                           const Crew& crew, TableAnswer* answer) {
  if (std::optional<TopNames> top = CountTopNames(question, scan, names, crew)) {
    const auto name_of = [&names](uint32_t id) { return names.name(id); };
    FillAnswer(question, scan, crew, top->ids, name_of, std::move(top->counted), answer);
    answer->rows = top->rows;
    return crew.cancelled() ? CancelledError() : absl::OkStatus();
  }
  const NameFilter filter(question.names);
  const NameTotals totals = CountNames(scan, filter, names, crew);
  if (crew.cancelled()) return CancelledError();
  std::optional<ParentDomains> parents;
  if (question.rows.parents) parents.emplace(totals, names);
  const ParentDomains* const wanted_parents = parents ? &*parents : nullptr;
  const RowChooser chooser(question, totals, names, wanted_parents);
  const ShownRows shown = chooser.Choose();
  FQS_RETURN_IF_ERROR(CheckTableSize(shown.ids.size(), scan.groups().size(), scan.columns()));
  const RowsOfNames rows = FindRows(shown.ids, totals[0].size(), wanted_parents);
  CountedRows counted =
      RowCounter(question, scan, filter, names, rows, shown.ids.size()).Count(crew);
  const auto name_of = [&chooser](uint32_t id) { return chooser.NameOf(id); };
  FillAnswer(question, scan, crew, shown.ids, name_of, std::move(counted), answer);
  answer->rows = shown.all;
  return crew.cancelled() ? CancelledError() : absl::OkStatus();
}

}  // namespace fleetqshape
