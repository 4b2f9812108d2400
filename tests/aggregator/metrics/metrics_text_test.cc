#include "aggregator/metrics/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

// Each value another one.
MetricValues DifferentValues() {
  return {.engine = {.reports = 1,
                     .snapshots = 2,
                     .duplicates = 3,
                     .refused = 4,
                     .digest_mismatches = 5,
                     .unstored = 6,
                     .cells = 7,
                     .snapshot_gained = 8,
                     .snapshot_lost = 9,
                     .batches = 10,
                     .failed_batches = 11,
                     .recoveries = 12,
                     .damaged = 13,
                     .forgotten = 14},
          .sessions = {.open = 15, .held_bytes = 16, .waiting = 17, .ended = 18},
          .relays = {.fresh = 19, .stale = 20, .missing = 21, .connected = 22},
          .store_works = false,
          .started_milliseconds = 1'700'000'000'123};
}

std::string WithoutComments(const std::string& text) {
  std::string samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) samples += line + "\n";
  }
  return samples;
}

TEST(MetricsTextTest, HasEachValueUnderItsName) {
  EXPECT_EQ(WithoutComments(MetricsText(DifferentValues())),
            "fleetqshape_aggregator_build_info{version=\"" FLEETQSHAPE_VERSION
            "\"} 1\n"
            "fleetqshape_aggregator_start_time_seconds 1700000000.123\n"
            "fleetqshape_aggregator_reports_total 1\n"
            "fleetqshape_aggregator_snapshots_total 2\n"
            "fleetqshape_aggregator_duplicate_reports_total 3\n"
            "fleetqshape_aggregator_refused_reports_total 4\n"
            "fleetqshape_aggregator_digest_mismatches_total 5\n"
            "fleetqshape_aggregator_unstored_reports_total 6\n"
            "fleetqshape_aggregator_cells_total 7\n"
            "fleetqshape_aggregator_snapshot_differences_total{change=\"gained\"} 8\n"
            "fleetqshape_aggregator_snapshot_differences_total{change=\"lost\"} 9\n"
            "fleetqshape_aggregator_batches_total 10\n"
            "fleetqshape_aggregator_failed_batches_total 11\n"
            "fleetqshape_aggregator_store_recoveries_total 12\n"
            "fleetqshape_aggregator_store_works 0\n"
            "fleetqshape_aggregator_damaged_relays_total 13\n"
            "fleetqshape_aggregator_forgotten_relays_total 14\n"
            "fleetqshape_aggregator_relays{freshness=\"fresh\"} 19\n"
            "fleetqshape_aggregator_relays{freshness=\"stale\"} 20\n"
            "fleetqshape_aggregator_relays{freshness=\"missing\"} 21\n"
            "fleetqshape_aggregator_connected_relays 22\n"
            "fleetqshape_aggregator_open_streams 15\n"
            "fleetqshape_aggregator_ended_streams_total 18\n"
            "fleetqshape_aggregator_held_report_bytes 16\n"
            "fleetqshape_aggregator_waiting_reports 17\n");
}

TEST(MetricsTextTest, CountersAreCountersAndTheRestAreGauges) {
  std::istringstream lines(MetricsText(DifferentValues()));
  std::set<std::string> helped;
  std::set<std::string> typed;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name, value;
    words >> hash >> what >> name >> value;
    if (hash != "#") continue;
    EXPECT_TRUE((what == "HELP" ? helped : typed).insert(name).second) << line;
    if (what == "HELP") continue;
    EXPECT_EQ(value, name.ends_with("_total") ? "counter" : "gauge") << line;
  }
  EXPECT_EQ(helped, typed);
  EXPECT_EQ(typed.size(), 22U);
}

TEST(MetricsTextTest, LargeNumbersAreWhole) {
  MetricValues values;
  values.engine.cells = (uint64_t{1} << 53) - 1;
  values.sessions.held_bytes = 134'217'728;
  const std::string text = MetricsText(values);
  EXPECT_THAT(text, HasSubstr("fleetqshape_aggregator_cells_total 9007199254740991\n"));
  EXPECT_THAT(text, HasSubstr("fleetqshape_aggregator_held_report_bytes 134217728\n"));
}

}  // namespace
}  // namespace fleetqshape
