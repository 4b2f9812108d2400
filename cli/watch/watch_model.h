// What a watched table is, without a screen and without an aggregator: the question, which keys
// change; the last answer, with how much each row grew since the one before and since the first;
// and the failure of the last attempt, if it failed. Not for several threads at once.
#ifndef FLEETQSHAPE_CLI_WATCH_WATCH_MODEL_H_
#define FLEETQSHAPE_CLI_WATCH_WATCH_MODEL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/output/fleet_table.h"
#include "cli/watch/picture.h"
#include "cli/watch/watch_key.h"
#include "common/base/clock.h"

namespace fleetqshape {

struct WatchRequest {
  uint64_t question = 0;  // its number: another one whenever a key changes what is asked
  CliOptions options;     // with as many rows as are needed
  bool clusters = false;  // which clusters there are is asked too
};

struct WatchAnswer {
  FleetTable table;
  std::optional<v1::ListRelaysResponse> relays;  // for how full queues are
  std::optional<std::vector<std::string>> clusters;
  std::vector<std::string> failures;  // of the servers that were asked before the one that answered
};

class WatchModel {
 public:
  enum class Order { kAsAsked, kTotal, kGrowthSinceFirst, kGrowthSinceLast };
  // What is to be done after a key.
  enum class Effect { kDraw, kAsk, kQuit };

  // With order by growth, the largest of so many rows are looked at.
  static constexpr uint64_t kGrowthRows = 1000;

  struct Shown {
    WatchAnswer answer;
    std::vector<size_t> rows;  // of the table, in the order of the screen
    // By row of the table, not of the screen; none with the first answer.
    std::vector<Growth> since_last;
    std::vector<Growth> since_first;
    Growth total_since_last;
    Growth total_since_first;
    int64_t last_milliseconds = 0;  // ago, when this answer came; 0: there was none
    int64_t first_milliseconds = 0;
    bool has_growth() const { return last_milliseconds > 0; }
  };
  struct Failure {
    std::string text;
    Moment since;
  };

  // `options` as they were given, with watch_seconds.
  explicit WatchModel(CliOptions options);

  Effect Press(WatchKey key);
  // So many rows of a table have room on the screen as a rule, and never more than `most`.
  void SetRoom(size_t rows, size_t most) {
    room_ = rows;
    most_ = std::max(rows, most);
  }
  // So many rows are on the screen: a page, for who scrolls. 0: no table is.
  void SetSeen(size_t rows) { seen_ = rows; }

  WatchRequest Request() const;
  // What came of a request; of an older question it is ignored. True: ask again at once.
  bool Take(const WatchRequest& request, WatchAnswer answer, const Moment& now);
  void Fail(const WatchRequest& request, const std::string& text, const Moment& now);

  // As they are asked for now, but for the number of rows.
  const CliOptions& options() const { return options_; }
  const std::string& cluster() const { return cluster_; }  // empty: all that are selected
  Order order() const { return order_; }
  double interval_seconds() const { return interval_seconds_; }
  bool paused() const { return paused_; }
  bool help() const { return help_; }
  // What the last key could not do, and why; empty: it could.
  const std::string& note() const { return note_; }
  // Null: there was no answer yet.
  const Shown* shown() const { return shown_ ? &*shown_ : nullptr; }
  // False: what is shown is of an older question, or the last attempt failed.
  bool is_current() const { return shown_question_ == question_ && !failure_; }
  const std::optional<Failure>& failure() const { return failure_; }
  // The first row on the screen, TOTAL not counted.
  size_t first_row() const { return first_row_; }

 private:
  Effect ChangeQuestion();
  void ForgetPictures();
  Effect ToggleQueue(Queue queue);
  Effect ToggleAxis();
  Effect NextCluster();
  Effect SetOrder(Order order);
  Effect ChangeInterval(int steps);
  Effect Scroll(int64_t rows);
  void MeasureGrowth(const WatchRequest& request, const Moment& now);
  void OrderRows();
  bool by_growth() const;
  size_t page_rows() const { return seen_ > 0 ? seen_ : room_; }

  const std::vector<std::string> asked_clusters_;
  CliOptions options_;
  uint64_t question_ = 1;
  uint64_t shown_question_ = 0;
  std::string cluster_;
  std::vector<std::string> clusters_;  // that there are, once they were asked for
  bool knows_clusters_ = false;
  bool wants_next_cluster_ = false;

  Order order_ = Order::kAsAsked;
  double interval_seconds_;
  bool paused_ = false;
  bool help_ = false;
  std::string note_;
  size_t room_ = 20;
  size_t most_ = 20;
  size_t seen_ = 0;
  size_t first_row_ = 0;

  std::optional<Shown> shown_;
  std::optional<Picture> first_;
  // The last one, and the one before it. What a key asked for between times is none of them.
  std::optional<Picture> last_;
  std::optional<Picture> before_last_;
  std::optional<Failure> failure_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_WATCH_MODEL_H_
