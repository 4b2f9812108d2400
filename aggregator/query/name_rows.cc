#include "aggregator/query/name_rows.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ingest/name_pages.h"
#include "aggregator/query/age_summary.h"
#include "aggregator/query/name_totals.h"
#include "aggregator/query/parent_domains.h"
#include "aggregator/query/row_counter.h"
#include "aggregator/query/row_order.h"
#include "aggregator/query/table_limits.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kNoRow = RowsOfNames::kNoRow;

// The rows that are shown, in their order, as ids: of names, or of nodes where there are parents.
struct ShownRows {
  std::vector<uint32_t> ids;
  size_t all = 0;  // with those that are not shown
};

// What the names of a page have. For one thread.
class PageOfSums {
 public:
  PageOfSums(const NameTotals& sums, size_t page) : counts_(sums.size()) {
    for (const auto& group : sums) {
      pages_.push_back(group.page(page));
      if (pages_.back().empty()) continue;
      all_.resize(NameCounts::kIdsOfPage, 0);
      for (size_t i = 0; i < NameCounts::kIdsOfPage; ++i) all_[i] += pages_.back()[i];
    }
  }

  // In all groups. Empty if no name of the page has arrivals.
  absl::Span<const uint64_t> all() const { return all_; }
  // By groups, of one name. Valid until the next call.
  absl::Span<const uint64_t> Groups(size_t name) {
    for (size_t group = 0; group < counts_.size(); ++group) {
      counts_[group] = pages_[group].empty() ? 0 : pages_[group][name];
    }
    return counts_;
  }

 private:
  std::vector<absl::Span<const uint64_t>> pages_;  // by groups
  std::vector<uint64_t> all_;
  std::vector<uint64_t> counts_;
};

// Chooses them from all names' totals.
class RowChooser {
 public:
  RowChooser(const TableQuestion& question, const NameTotals& totals, const FleetNames& names,
             const ParentDomains* parents)
      : question_(question), totals_(totals), names_(names), parents_(parents) {}

  ShownRows Choose(const Crew& crew) const {
    const RowKeys keys(question_.order, question_.order_group, GroupTotals());
    const NameTotals& sums = parents_ == nullptr ? totals_ : parents_->sums();
    struct Part {
      FirstRows first;
      size_t all = 0;
    };
    std::vector<Part> parts(crew.workers(), Part{FirstRows(question_.max_rows)});
    crew.ForEach(sums[0].pages(), {.at_a_time = kPagesAtATime}, [&](size_t worker, size_t page) {
      Part& part = parts[worker];
      PageOfSums names(sums, page);
      ForEachVisible(page, names, [&](size_t i, uint64_t sum) {
        ++part.all;
        if (!part.first.Wants(keys.MostKeyOf(sum))) return;
        const auto id = static_cast<uint32_t>(page * NameCounts::kIdsOfPage + i);
        part.first.Offer({keys.KeyOf(names.Groups(i), sum), id});
      });
    });
    ShownRows rows;
    std::vector<RowCandidate> candidates;
    for (Part& part : parts) {
      const std::vector<RowCandidate> first = part.first.Take();
      candidates.insert(candidates.end(), first.begin(), first.end());
      rows.all += part.all;
    }
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
  // As RowKeys needs them.
  std::vector<uint64_t> GroupTotals() const {
    std::vector<uint64_t> group_totals;
    if (!RowKeys::NeedsTotals(question_.order)) return group_totals;
    for (const auto& group : totals_) {
      uint64_t total = 0;
      for (size_t page = 0; page < group.pages(); ++page) {
        const absl::Span<const uint64_t> counts = group.page(page);
        total = std::accumulate(counts.begin(), counts.end(), total);
      }
      group_totals.push_back(total);
    }
    return group_totals;
  }

  // Calls use(i, sum) for each name of a page that has arrivals. qshape hides names that start with
  // a dot and have too few subdomains.
  template <typename Use>
  void ForEachVisible(size_t page, const PageOfSums& names, const Use& use) const {
    static_assert(NamePages::kIdsOfPage % NameCounts::kIdsOfPage == 0);
    const absl::Span<const uint64_t> sums = names.all();
    const auto first_id = static_cast<uint32_t>(page * NameCounts::kIdsOfPage);
    const auto first = std::find_if(sums.begin(), sums.end(), [](uint64_t sum) { return sum > 0; });
    if (first == sums.end()) return;
    const bool* const dotted = parents_ == nullptr ? names_.start_with_dot(first_id) : nullptr;
    for (auto i = static_cast<size_t>(first - sums.begin()); i < sums.size(); ++i) {
      if (sums[i] == 0) continue;
      const bool visible = parents_ == nullptr ? !dotted[i] : IsVisible(first_id + i);
      if (visible) use(i, sums[i]);
    }
  }

  // Where there are parents.
  bool IsVisible(size_t node) const {
    const auto id = static_cast<uint32_t>(node);
    if (!NameOf(id).starts_with('.')) return true;
    return parents_->subdomains(id) >= question_.rows.min_subdomains;
  }

  const TableQuestion& question_;
  const NameTotals& totals_;
  const FleetNames& names_;
  const ParentDomains* const parents_;  // null: not wanted
};

RowsOfNames FindRows(const std::vector<uint32_t>& shown, size_t fleet_ids,
                     const ParentDomains* parents, const Crew& crew) {
  RowsOfNames rows;
  rows.rows = shown.size();
  RowsOfNames::Column row_of_id(parents == nullptr ? fleet_ids : parents->size());
  for (uint32_t row = 0; row < shown.size(); ++row) row_of_id.At(shown[row]) = row;
  if (parents == nullptr) {
    rows.row_of_name = std::move(row_of_id);
    return rows;
  }
  const auto nearest = [&](uint32_t node) {
    while (node != ParentDomains::kNone && row_of_id[node] == kNoRow) node = parents->parent(node);
    return node == ParentDomains::kNone ? kNoRow : row_of_id[node];
  };
  rows.row_of_name.Resize(fleet_ids);
  crew.ForEach(rows.row_of_name.pages(), {.at_a_time = kPagesAtATime},
               [&](size_t /*worker*/, size_t page) {
                 const size_t first = page * NameCounts::kIdsOfPage;
                 const size_t end = std::min(first + NameCounts::kIdsOfPage, fleet_ids);
                 for (size_t id = first; id < end; ++id) {
                   if (!parents->is_node(static_cast<uint32_t>(id))) continue;
                   const uint32_t row = nearest(static_cast<uint32_t>(id));
                   if (row != kNoRow) rows.row_of_name.At(id) = row;
                 }
               });
  for (const uint32_t node : shown) rows.row_above.push_back(nearest(parents->parent(node)));
  return rows;
}

template <typename NameOf>
void FillAnswer(const TableQuestion& question, const Scan& scan, const Crew& crew,
                const std::vector<uint32_t>& ids, const NameOf& name_of, CountedRows counted,
                TableAnswer* answer) {
  answer->names.reserve(ids.size());
  for (const uint32_t id : ids) answer->names.emplace_back(name_of(id));
  if (question.ages) {
    AgeSummary ages = SummarizeAges(scan, counted, crew);
    answer->median_ages = std::move(ages.median);
    answer->oldest_ages = std::move(ages.oldest);
  }
  answer->cut_off_total = counted.outside;
  answer->counts = std::move(counted.counts);
  answer->total = std::move(counted.total);
}

}  // namespace

absl::Status AnswerByNames(const TableQuestion& question, const Scan& scan, const TakenNames& taken,
                           const FleetNames& names, const Crew& crew, TableAnswer* answer) {
  const NameTotals totals = CountNames(scan, taken, names, crew);
  if (crew.cancelled()) return CancelledError();
  std::optional<ParentDomains> parents;
  if (question.rows.parents) parents.emplace(totals, names, crew);
  const ParentDomains* const wanted_parents = parents ? &*parents : nullptr;
  const RowChooser chooser(question, totals, names, wanted_parents);
  const ShownRows shown = chooser.Choose(crew);
  if (crew.cancelled()) return CancelledError();
  FQS_RETURN_IF_ERROR(CheckTableSize(shown.ids.size(), scan.groups().size(), scan.columns()));
  const RowsOfNames rows = FindRows(shown.ids, totals[0].size(), wanted_parents, crew);
  CountedRows counted = CountRows(scan, taken, totals, rows, question.ages, crew);
  const auto name_of = [&chooser](uint32_t id) { return chooser.NameOf(id); };
  FillAnswer(question, scan, crew, shown.ids, name_of, std::move(counted), answer);
  answer->rows = shown.all;
  return crew.cancelled() ? CancelledError() : absl::OkStatus();
}

}  // namespace fleetqshape
