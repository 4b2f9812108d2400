// A watched table, and answers for it.
#ifndef FLEETQSHAPE_TESTS_CLI_WATCH_WATCHED_H_
#define FLEETQSHAPE_TESTS_CLI_WATCH_WATCHED_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/watch/watch_model.h"
#include "tests/cli/output/answer_maker.h"

namespace fleetqshape::test {

inline CliOptions WatchOptions() {
  CliOptions options;
  options.queues = {"incoming", "active", "deferred"};
  options.watch_seconds = 2;
  options.servers = {"agg:7778"};
  return options;
}

// With one column of ages. `rows`: names and sums, in their order; `there`: how many rows there
// are.
inline WatchAnswer AnswerOf(const std::vector<std::pair<std::string, uint64_t>>& rows,
                            uint64_t there = 0) {
  std::vector<Row> made;
  uint64_t total = 0;
  for (const auto& [name, sum] : rows) {
    made.push_back({name, {{{sum}}}});
    total += sum;
  }
  WatchAnswer answer;
  answer.table = MakeAnswer({{"", 1}}, {{{total}}}, made);
  if (there > 0) answer.table.head.set_rows(there);
  answer.table.head.mutable_coverage()->set_relays(1);
  answer.table.head.mutable_coverage()->set_fresh(1);
  return answer;
}

// So many seconds after the start.
inline Moment At(int64_t seconds) { return {(1'700'000'000 + seconds) * 1000, seconds * 1000}; }

// Lets the model have the answer to what it asks now.
inline bool Give(WatchModel* model, WatchAnswer answer, int64_t seconds) {
  return model->Take(model->Request(), std::move(answer), At(seconds));
}

// The names of the rows in the order of the screen.
inline std::vector<std::string> NamesOf(const WatchModel& model) {
  std::vector<std::string> names;
  for (const size_t row : model.shown()->rows)
    names.push_back(model.shown()->answer.table.names[row]);
  return names;
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_CLI_WATCH_WATCHED_H_
