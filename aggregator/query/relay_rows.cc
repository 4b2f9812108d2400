#include "aggregator/query/relay_rows.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/query/age_summary.h"
#include "aggregator/query/counted_rows.h"
#include "aggregator/query/row_order.h"
#include "aggregator/query/table_limits.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

// Which row each piece counts in.
class Rows {
 public:
  static absl::StatusOr<Rows> Make(const TableQuestion& question, const Scan& scan) {
    Rows rows;
    if (question.rows_by == "queue") {
      for (const Queue queue : question.queues) rows.RowOf(std::string(QueueName(queue)));
      for (const Piece& piece : scan.pieces()) {
        rows.row_of_piece_.push_back(rows.RowOf(std::string(QueueName(piece.queue))));
      }
      return rows;
    }
    std::vector<uint32_t> row_of_relay;
    bool any = false;
    for (const RelayView& relay : scan.relays()) {
      const auto value = question.rows_by == "relay"
                             ? relay.description->identity.ToString()
                             : ValueOf(*relay.description, question.rows_by);
      any = any || value.has_value();
      row_of_relay.push_back(rows.RowOf(value.value_or("")));
    }
    if (!any) return absl::InvalidArgumentError(ExplainNoKey(question.rows_by, scan.relays()));
    for (const Piece& piece : scan.pieces())
      rows.row_of_piece_.push_back(row_of_relay[piece.relay]);
    return rows;
  }

  size_t size() const { return names_.size(); }
  const std::string& name(uint32_t row) const { return names_[row]; }
  uint32_t row_of_piece(size_t piece) const { return row_of_piece_[piece]; }

 private:
  uint32_t RowOf(const std::string& name) {
    const auto [entry, is_new] = rows_.try_emplace(name, static_cast<uint32_t>(names_.size()));
    if (is_new) names_.push_back(name);
    return entry->second;
  }

  std::map<std::string, uint32_t> rows_;
  std::vector<std::string> names_;
  std::vector<uint32_t> row_of_piece_;
};

// Adds what counts of a piece to a row.
void AddPiece(const Scan& scan, const TakenNames& taken, size_t index, uint64_t* row) {
  const Piece& piece = scan.pieces()[index];
  if (taken.all()) {
    AddBlock(*piece.block, *piece.scale, row);
    return;
  }
  piece.block->arrivals.Visit([&](const auto values) {
    taken.ForEach(scan, index, [&](uint32_t i) {
      piece.scale->AddSorted(ListOf(*piece.block, values, i), row);
    });
  });
}

CountedRows CountRows(const TableQuestion& question, const Scan& scan, const TakenNames& taken,
                      const Rows& rows, const Crew& crew) {
  const size_t columns = scan.columns();
  const size_t width = scan.groups().size() * columns;
  const size_t workers = crew.WorkersFor(rows.size() * width, kMaxTableNumbers);
  std::vector<CountedRows> counted(workers);
  const auto prepare = [&](CountedRows* one) {
    one->counts.resize(rows.size() * width, 0);
    one->total.resize(width, 0);
  };
  crew.ForEach(scan.pieces().size(), {.workers = workers}, [&](size_t worker, size_t item) {
    CountedRows& mine = counted[worker];
    prepare(&mine);
    const Piece& piece = scan.pieces()[item];
    const uint32_t row = rows.row_of_piece(item);
    AddPiece(scan, taken, item, mine.counts.data() + row * width + piece.group * columns);
    if (question.ages) {
      AddRowArrivals(scan, taken, static_cast<uint32_t>(item), row, &mine.arrivals);
    }
  });
  CountedRows& sum = counted[0];
  prepare(&sum);
  for (size_t i = 1; i < counted.size(); ++i) {
    if (!counted[i].total.empty()) sum.Add(counted[i]);
  }
  for (size_t i = 0; i < sum.counts.size(); ++i) sum.total[i % width] += sum.counts[i];
  return std::move(sum);
}

// Chooses the rows that are shown.
std::vector<RowCandidate> OrderedRows(const TableQuestion& question, const Scan& scan,
                                      const Rows& rows, const CountedRows& counted) {
  const size_t columns = scan.columns();
  const size_t groups = scan.groups().size();
  std::vector<uint64_t> totals;
  for (size_t group = 0; group < groups; ++group) totals.push_back(counted.total[group * columns]);
  const RowKeys keys(question.order, question.order_group, totals);
  std::vector<RowCandidate> candidates;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    std::vector<uint64_t> sums;
    for (size_t group = 0; group < groups; ++group) {
      sums.push_back(counted.counts[(row * groups + group) * columns]);
    }
    const uint64_t sum = std::accumulate(sums.begin(), sums.end(), uint64_t{0});
    candidates.push_back({keys.KeyOf(sums, sum), row});
  }
  PutIntoOrder(
      question.order, question.max_rows,
      [&rows](uint32_t row) { return std::string_view(rows.name(row)); }, &candidates);
  return candidates;
}

// The arrivals of the rows that are shown, by their places among these.
std::vector<RowArrivals> ArrivalsOfShown(const CountedRows& counted,
                                         const std::vector<RowCandidate>& shown, size_t rows) {
  constexpr uint32_t kNotShown = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> places(rows, kNotShown);
  for (uint32_t place = 0; place < shown.size(); ++place) places[shown[place].id] = place;
  std::vector<RowArrivals> arrivals;
  for (RowArrivals one : counted.arrivals) {
    one.row = places[one.row];
    if (one.row != kNotShown) arrivals.push_back(one);
  }
  return arrivals;
}

}  // namespace

absl::Status AnswerByRelays(const TableQuestion& question, const Scan& scan,
                            const TakenNames& taken, const Crew& crew, TableAnswer* answer) {
  FQS_ASSIGN_OR_RETURN(const Rows rows, Rows::Make(question, scan));
  const size_t columns = scan.columns();
  const size_t groups = scan.groups().size();
  const size_t width = groups * columns;
  FQS_RETURN_IF_ERROR(CheckTableSize(rows.size(), groups, columns));
  const CountedRows counted = CountRows(question, scan, taken, rows, crew);
  const std::vector<RowCandidate> shown = OrderedRows(question, scan, rows, counted);
  answer->rows = rows.size();
  answer->total = counted.total;
  for (size_t group = 0; group < groups; ++group) {
    answer->cut_off_total += counted.total[group * columns];
  }
  for (const RowCandidate& candidate : shown) {
    answer->names.push_back(rows.name(candidate.id));
    const auto row = counted.counts.begin() + static_cast<std::ptrdiff_t>(candidate.id * width);
    answer->counts.insert(answer->counts.end(), row, row + static_cast<std::ptrdiff_t>(width));
    for (size_t group = 0; group < groups; ++group) {
      answer->cut_off_total -= counted.counts[candidate.id * width + group * columns];
    }
  }
  if (question.ages) {
    CountedRows rows_shown;
    rows_shown.counts = answer->counts;
    rows_shown.arrivals = ArrivalsOfShown(counted, shown, rows.size());
    AgeSummary ages = SummarizeAges(scan, rows_shown, crew);
    answer->median_ages = std::move(ages.median);
    answer->oldest_ages = std::move(ages.oldest);
  }
  return crew.cancelled() ? CancelledError() : absl::OkStatus();
}

}  // namespace fleetqshape
