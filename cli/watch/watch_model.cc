#include "cli/watch/watch_model.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

// What + and - step through.
constexpr std::array<double, 9> kIntervals = {0.5, 1, 2, 5, 10, 30, 60, 300, 3600};

// Rows whose growth is not known go last.
int64_t OrderKey(const Growth& growth) {
  return growth.kind == Growth::Kind::kUnknown ? INT64_MIN : growth.count;
}

bool SortsByTotal(const CliOptions& options) {
  return options.sort == "total" || (options.sort.empty() && options.compare_key.empty());
}

}  // namespace

WatchModel::WatchModel(CliOptions options)
    : asked_clusters_(options.clusters),
      options_(std::move(options)),
      interval_seconds_(options_.watch_seconds.value_or(2)) {}

WatchModel::Effect WatchModel::Press(WatchKey key) {
  note_.clear();
  if (help_) {
    help_ = false;
    return key == WatchKey::kQuit ? Effect::kQuit : Effect::kDraw;
  }
  // One row of the last page stays in sight.
  const auto page = static_cast<int64_t>(std::max<size_t>(page_rows(), 2) - 1);
  switch (key) {
    case WatchKey::kOther:
      return Effect::kDraw;
    case WatchKey::kQuit:
      return Effect::kQuit;
    case WatchKey::kAxis:
      return ToggleAxis();
    case WatchKey::kMaildrop:
      return ToggleQueue(Queue::kMaildrop);
    case WatchKey::kHold:
      return ToggleQueue(Queue::kHold);
    case WatchKey::kIncoming:
      return ToggleQueue(Queue::kIncoming);
    case WatchKey::kActive:
      return ToggleQueue(Queue::kActive);
    case WatchKey::kDeferred:
      return ToggleQueue(Queue::kDeferred);
    case WatchKey::kCluster:
      return NextCluster();
    case WatchKey::kPause:
      paused_ = !paused_;
      return paused_ ? Effect::kDraw : Effect::kAsk;
    case WatchKey::kGrowth:
      return SetOrder(order_ == Order::kGrowthSinceFirst ? Order::kGrowthSinceLast
                                                         : Order::kGrowthSinceFirst);
    case WatchKey::kTotal:
      return SetOrder(order_ == Order::kTotal ? Order::kAsAsked : Order::kTotal);
    case WatchKey::kReset:
      ForgetPictures();
      return Effect::kAsk;
    case WatchKey::kFaster:
      return ChangeInterval(-1);
    case WatchKey::kSlower:
      return ChangeInterval(1);
    case WatchKey::kHelp:
      help_ = true;
      return Effect::kDraw;
    case WatchKey::kUp:
      return Scroll(-1);
    case WatchKey::kDown:
      return Scroll(1);
    case WatchKey::kPageUp:
      return Scroll(-page);
    case WatchKey::kPageDown:
      return Scroll(page);
    case WatchKey::kHome:
      return Scroll(INT64_MIN / 2);
  }
  return Effect::kDraw;
}

WatchModel::Effect WatchModel::ChangeQuestion() {
  ++question_;
  ForgetPictures();
  first_row_ = 0;
  return Effect::kAsk;
}

void WatchModel::ForgetPictures() {
  first_.reset();
  last_.reset();
  before_last_.reset();
}

WatchModel::Effect WatchModel::ToggleQueue(Queue queue) {
  const std::string name(QueueName(queue));
  std::vector<std::string> queues;
  for (const Queue one : kAllQueues) {
    const std::string one_name(QueueName(one));
    const bool is_asked = std::find(options_.queues.begin(), options_.queues.end(), one_name) !=
                          options_.queues.end();
    if (is_asked != (one == queue)) queues.push_back(one_name);
  }
  if (queues.empty()) {
    note_ = absl::StrCat(name, " is the only queue: add another one first");
    return Effect::kDraw;
  }
  options_.queues = std::move(queues);
  return ChangeQuestion();
}

WatchModel::Effect WatchModel::ToggleAxis() {
  if (!options_.names.empty()) {
    note_ = "--to and --from choose names: without them s is of use";
    return Effect::kDraw;
  }
  options_.axis =
      options_.axis == Axis::kSenderDomain ? Axis::kRecipientDomain : Axis::kSenderDomain;
  return ChangeQuestion();
}

WatchModel::Effect WatchModel::NextCluster() {
  if (!knows_clusters_) {
    wants_next_cluster_ = true;
    note_ = "asking which clusters there are";
    return Effect::kAsk;
  }
  if (clusters_.size() < 2) {
    note_ = clusters_.empty() ? "there is no cluster"
                              : absl::StrCat("there is one cluster only: ", clusters_[0]);
    note_ = PrintableName(note_);
    return Effect::kDraw;
  }
  // After the last one come all of them.
  const auto current = std::find(clusters_.begin(), clusters_.end(), cluster_);
  const auto next =
      cluster_.empty() || current == clusters_.end() ? clusters_.begin() : std::next(current);
  cluster_ = next == clusters_.end() ? "" : *next;
  options_.clusters = cluster_.empty() ? asked_clusters_ : std::vector<std::string>{cluster_};
  return ChangeQuestion();
}

WatchModel::Effect WatchModel::SetOrder(Order order) {
  order_ = order;
  first_row_ = 0;
  OrderRows();
  return Effect::kAsk;
}

WatchModel::Effect WatchModel::ChangeInterval(int steps) {
  if (steps > 0) {
    const auto next = std::upper_bound(kIntervals.begin(), kIntervals.end(), interval_seconds_);
    if (next != kIntervals.end()) interval_seconds_ = *next;
  } else {
    const auto next = std::lower_bound(kIntervals.begin(), kIntervals.end(), interval_seconds_);
    if (next != kIntervals.begin()) interval_seconds_ = *std::prev(next);
  }
  return Effect::kDraw;
}

WatchModel::Effect WatchModel::Scroll(int64_t rows) {
  const FleetTable* table = shown_ ? &shown_->answer.table : nullptr;
  uint64_t there =
      table == nullptr ? 0 : std::max<uint64_t>(table->head.rows(), table->names.size());
  if (options_.max_rows) there = std::min(there, *options_.max_rows);
  const auto last = static_cast<int64_t>(there > page_rows() ? there - page_rows() : 0);
  first_row_ =
      static_cast<size_t>(std::clamp<int64_t>(static_cast<int64_t>(first_row_) + rows, 0, last));
  const bool is_there =
      table != nullptr && std::min(there, first_row_ + most_) <= table->names.size();
  return is_there ? Effect::kDraw : Effect::kAsk;
}

bool WatchModel::by_growth() const {
  return order_ == Order::kGrowthSinceFirst || order_ == Order::kGrowthSinceLast;
}

WatchRequest WatchModel::Request() const {
  WatchRequest request{question_, options_, wants_next_cluster_ && !knows_clusters_};
  if (order_ != Order::kAsAsked) request.options.sort = "total";
  // Twice what is seen: a row that rises is known from before.
  uint64_t rows = first_row_ + std::max({2 * room_, most_, size_t{2}});
  if (by_growth()) rows = std::max(rows, kGrowthRows);
  request.options.max_rows = std::min(rows, options_.max_rows.value_or(rows));
  return request;
}

bool WatchModel::Take(const WatchRequest& request, WatchAnswer answer, const Moment& now) {
  if (answer.clusters) {
    clusters_ = *answer.clusters;
    knows_clusters_ = true;
  }
  if (request.question == question_) {
    failure_.reset();
    shown_question_ = question_;
    Shown shown;
    shown.answer = std::move(answer);
    shown_ = std::move(shown);
    MeasureGrowth(request, now);
    OrderRows();
  }
  if (!wants_next_cluster_ || !knows_clusters_) return request.question != question_;
  wants_next_cluster_ = false;
  note_.clear();
  return NextCluster() == Effect::kAsk;
}

void WatchModel::Fail(const WatchRequest& request, const std::string& text, const Moment& now) {
  if (request.question != question_) return;
  if (wants_next_cluster_) note_.clear();
  wants_next_cluster_ = false;
  failure_ = Failure{text, failure_ ? failure_->since : now};
}

void WatchModel::MeasureGrowth(const WatchRequest& request, const Moment& now) {
  const FleetTable& table = shown_->answer.table;
  const int64_t now_milliseconds = now.monotonic_milliseconds;
  // A key may have asked long before it was time: growth is then measured as it was.
  const bool early =
      last_ && static_cast<double>(now_milliseconds - last_->monotonic_milliseconds()) <
                   interval_seconds_ * 500;
  if (last_) {
    const Picture& last = early && before_last_ ? *before_last_ : *last_;
    for (size_t row = 0; row < table.names.size(); ++row) {
      const uint64_t sum = table.RowSum(row);
      shown_->since_last.push_back(last.GrowthOf(table.names[row], sum));
      shown_->since_first.push_back(first_->GrowthOf(table.names[row], sum));
    }
    shown_->total_since_last = last.TotalGrowth(table.TotalSum());
    shown_->total_since_first = first_->TotalGrowth(table.TotalSum());
    // Two answers are never the same moment.
    shown_->last_milliseconds =
        std::max<int64_t>(1, now_milliseconds - last.monotonic_milliseconds());
    shown_->first_milliseconds =
        std::max<int64_t>(1, now_milliseconds - first_->monotonic_milliseconds());
  }
  if (early) return;
  before_last_ =
      std::exchange(last_, Picture(table, SortsByTotal(request.options), now_milliseconds));
  if (!first_) first_ = last_;
}

void WatchModel::OrderRows() {
  if (!shown_) return;
  std::vector<size_t>& rows = shown_->rows;
  rows.resize(shown_->answer.table.names.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  if (!by_growth() || !shown_->has_growth()) return;
  const std::vector<Growth>& growth =
      order_ == Order::kGrowthSinceFirst ? shown_->since_first : shown_->since_last;
  std::stable_sort(rows.begin(), rows.end(), [&growth](size_t a, size_t b) {
    return OrderKey(growth[a]) > OrderKey(growth[b]);
  });
}

}  // namespace fleetqshape
