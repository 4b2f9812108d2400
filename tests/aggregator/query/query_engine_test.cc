#include "aggregator/query/query_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "common/shape/age_buckets.h"
#include "common/shape/shape_table.h"
#include "tests/aggregator/query/fake_fleet.h"
#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"

namespace fleetqshape {
namespace {

using test::FakeFleet;
using test::FakeRelay;
using test::ManualClock;
using test::NamedCells;
using ::testing::HasSubstr;

constexpr Queue kQueue = Queue::kDeferred;
constexpr Axis kAxis = Axis::kRecipientDomain;

// A table in an order of its own, to be compared.
struct PlainTable {
  std::vector<uint64_t> total;
  std::map<std::string, std::vector<uint64_t>> rows;

  bool operator==(const PlainTable& other) const = default;
  friend std::ostream& operator<<(std::ostream& out, const PlainTable& table) {
    const auto line = [&](const std::string& name, const std::vector<uint64_t>& counts) {
      out << "\n" << name;
      for (uint64_t count : counts) out << " " << count;
    };
    line("TOTAL", table.total);
    for (const auto& [name, counts] : table.rows) line(name, counts);
    return out;
  }
};

template <typename AnyTable>
PlainTable Plain(const AnyTable& table) {
  PlainTable plain{table.total, {}};
  for (size_t i = 0; i < table.names.size(); ++i) {
    EXPECT_FALSE(plain.rows.contains(table.names[i])) << "two rows of " << table.names[i];
    plain.rows[table.names[i]].assign(table.row(i), table.row(i) + table.columns);
  }
  return plain;
}

class QueryEngineTest : public ::testing::Test {
 protected:
  static FakeRelay Relay(const std::string& host, const NamedCells& cells = {},
                         int64_t clock_offset_milliseconds = 0) {
    return FakeFleet::Relay(host, cells, clock_offset_milliseconds);
  }
  void Add(const FakeRelay& relay) { fleet_.Add(relay); }

  TableQuestion Question() const {
    TableQuestion question;
    question.queues = {kQueue};
    question.axis = kAxis;
    return question;
  }

  TableAnswer Ask(const TableQuestion& question) const {
    auto answer = fleet_.engine().GetTable(question);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *std::move(answer) : TableAnswer{};
  }

  // The same, cell by cell. A relay's clock counts if it is a second off or more.
  PlainTable Naive(const TableQuestion& question) const {
    const AgeBuckets buckets(question.buckets);
    ShapeTable table(buckets.columns());
    const int64_t at = question.at_seconds.value_or(clock_.NowSeconds());
    for (const FakeRelay& relay : fleet_.relays()) {
      if (!Selects(question.selection, relay.description)) continue;
      const bool off = std::abs(relay.clock_offset_milliseconds) >= 1000;
      const int64_t now = at + (off ? relay.clock_offset_milliseconds / 1000 : 0);
      for (const test::NamedCell& cell : relay.cells) {
        if (!question.queues.contains(cell.queue) || cell.axis != question.axis) continue;
        const size_t bucket = buckets.BucketOf(static_cast<double>(now - cell.arrival));
        table.Add(cell.name, bucket);
        table.AddTotal(bucket);
      }
    }
    return Plain(table.Finish(question.rows));
  }

  ManualClock clock_;
  FakeFleet fleet_{&clock_};
};

TEST_F(QueryEngineTest, OneRelaysArrivalsAreCountedByNameAndAge) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now},
                  {kQueue, kAxis, "x", now - 299},
                  {kQueue, kAxis, "x", now - 300},
                  {kQueue, kAxis, "y", now - 3'000'000},
                  {kQueue, kAxis, "y", now + 1000},
                  {Queue::kActive, kAxis, "z", now},
                  {kQueue, Axis::kSenderDomain, "s", now}}));
  TableQuestion question = Question();
  question.buckets.bucket_count = 3;
  const TableAnswer answer = Ask(question);
  EXPECT_EQ(Plain(answer), (PlainTable{{5, 3, 1, 1}, {{"x", {3, 2, 1, 0}}, {"y", {2, 1, 0, 1}}}}));
  EXPECT_EQ(answer.at_seconds, now);
  EXPECT_EQ(answer.columns, 4U);
}

TEST_F(QueryEngineTest, RelaysAreSummedByNameWhateverTheirIds) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now}, {kQueue, kAxis, "y", now}}));
  Add(Relay("b", {{kQueue, kAxis, "y", now}, {kQueue, kAxis, "z", now}}));
  TableQuestion question = Question();
  question.buckets.bucket_count = 1;
  EXPECT_EQ(Plain(Ask(question)),
            (PlainTable{{4, 4}, {{"x", {1, 1}}, {"y", {2, 2}}, {"z", {1, 1}}}}));
  question.selection.hosts = {"b"};
  EXPECT_EQ(Plain(Ask(question)), (PlainTable{{2, 2}, {{"y", {1, 1}}, {"z", {1, 1}}}}));
  EXPECT_EQ(Ask(question).coverage.relays, 1U);
}

// However many rows are shown: few enough for tables of a byte a name, or more.
TEST_F(QueryEngineTest, TheFirstRowsAreThoseOfTheWholeTable) {
  const int64_t now = clock_.NowSeconds();
  FakeRelay relay = Relay("a");
  for (int i = 0; i < 600; ++i) {
    const std::string name = "n" + std::to_string(i) + (i < 300 ? ".example" : ".test");
    for (int k = 0; k <= i % 7; ++k) relay.cells.insert({kQueue, kAxis, name, now - k * 1000});
  }
  Add(relay);
  TableQuestion question = Question();
  question.names = {".example"};
  const PlainTable whole = Plain(Ask(question));
  ASSERT_EQ(whole.rows.size(), 300U);
  for (const size_t rows : {1U, 253U, 254U, 255U, 256U, 257U, 258U, 299U}) {
    SCOPED_TRACE(rows);
    question.max_rows = rows;
    const PlainTable first = Plain(Ask(question));
    EXPECT_EQ(first.total, whole.total);
    EXPECT_EQ(first.rows.size(), rows);
    for (const auto& [name, counts] : first.rows) EXPECT_EQ(counts, whole.rows.at(name)) << name;
  }
}

TEST_F(QueryEngineTest, ABucketCountBelowOneLeavesTheSumOnly) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now}, {kQueue, kAxis, "x", now - 100'000}}));
  TableQuestion question = Question();
  question.buckets.bucket_count = 0.5;
  EXPECT_EQ(Plain(Ask(question)), (PlainTable{{2}, {{"x", {2}}}}));
}

TEST_F(QueryEngineTest, AgesAdvanceWithoutTraffic) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now - 10}, {kQueue, kAxis, "y", now - 4000}}));
  const TableQuestion question = Question();
  PlainTable before = Plain(Ask(question));
  EXPECT_EQ(before, Naive(question));
  EXPECT_EQ(before.rows["x"][1], 1U);
  clock_.AdvanceSeconds(3600);
  const TableAnswer later = Ask(question);
  EXPECT_EQ(Plain(later), Naive(question));
  EXPECT_EQ(Plain(later).rows["x"][1], 0U);
  EXPECT_EQ(Plain(later).rows["x"][5], 1U) << "80 minutes and less";
  EXPECT_EQ(later.at_seconds, now + 3600);
  EXPECT_EQ(Plain(later).total[0], 2U);
}

TEST_F(QueryEngineTest, AgesAreMeasuredAgainstTheRelaysOwnClockWhenItIsOff) {
  const int64_t now = clock_.NowSeconds();
  TableQuestion question = Question();
  question.buckets.bucket_count = 2;
  for (const auto& [offset_milliseconds, seconds] : std::map<int64_t, int64_t>{{3'600'000, 3600},
                                                                               {-3'600'000, -3600},
                                                                               {1000, 1},
                                                                               {-1000, -1},
                                                                               {999, 0},
                                                                               {-999, 0},
                                                                               {0, 0}}) {
    SCOPED_TRACE(offset_milliseconds);
    // On the relay's clock these are 299 and 300 seconds old.
    const std::string host = "h" + std::to_string(offset_milliseconds);
    Add(Relay(host,
              {{kQueue, kAxis, "young", now + seconds - 299},
               {kQueue, kAxis, "old", now + seconds - 300}},
              offset_milliseconds));
    question.selection.hosts = {host};
    EXPECT_EQ(Plain(Ask(question)),
              (PlainTable{{2, 1, 1}, {{"young", {1, 1, 0}}, {"old", {1, 0, 1}}}}));
  }
}

TEST_F(QueryEngineTest, RelaysWithDifferentClocksAreEachCountedByTheirOwn) {
  const int64_t now = clock_.NowSeconds();
  const std::vector<int64_t> offsets = {0, 7'200'000, 0, -7'200'000, 7'200'000, 0};
  for (size_t i = 0; i < offsets.size(); ++i) {
    Add(Relay("h" + std::to_string(i), {{kQueue, kAxis, "x", now + offsets[i] / 1000 - 200}},
              offsets[i]));
  }
  TableQuestion question = Question();
  question.buckets.bucket_count = 2;
  EXPECT_EQ(Plain(Ask(question)), (PlainTable{{6, 6, 0}, {{"x", {6, 6, 0}}}}));
}

TEST_F(QueryEngineTest, AQuestionMayBeAboutAnotherTime) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now - 10}}));
  TableQuestion question = Question();
  for (const int64_t at : {now - 100'000, now, now + 299, now + 100'000, int64_t{1}}) {
    question.at_seconds = at;
    EXPECT_EQ(Plain(Ask(question)), Naive(question)) << at;
    EXPECT_EQ(Ask(question).at_seconds, at);
  }
}

TEST_F(QueryEngineTest, CoverageSaysWhoIsFreshStaleAndMissing) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("stale", {{kQueue, kAxis, "x", now}}));
  Add(Relay("reported", {{kQueue, kAxis, "x", now}}));
  fleet_.fleet().Describe(9, std::make_shared<const RelayDescription>(
                                 RelayDescription{{"eu", "missing", "postfix"}, {}, ""}));
  fleet_.fleet().Heard(9, clock_.Now(), 0);
  Coverage coverage = Ask(Question()).coverage;
  EXPECT_EQ(coverage.relays, 3U);
  EXPECT_EQ(coverage.fresh, 2U);
  EXPECT_TRUE(coverage.stale.empty());
  ASSERT_EQ(coverage.missing.size(), 1U);
  EXPECT_EQ(coverage.missing[0].identity.host, "missing");

  clock_.AdvanceMilliseconds(60'999);
  EXPECT_EQ(Ask(Question()).coverage.fresh, 2U) << "not yet longer than 60 seconds";
  clock_.AdvanceMilliseconds(1);
  fleet_.fleet().Heard(2, clock_.Now(), 0);
  const TableAnswer answer = Ask(Question());
  coverage = answer.coverage;
  EXPECT_EQ(coverage.relays, 3U);
  EXPECT_EQ(coverage.fresh, 1U);
  ASSERT_EQ(coverage.stale.size(), 1U);
  EXPECT_EQ(coverage.stale[0].identity.host, "stale");
  EXPECT_EQ(coverage.stale[0].silent_seconds, 61);
  ASSERT_EQ(coverage.missing.size(), 1U);
  EXPECT_EQ(coverage.missing[0].silent_seconds, 61);
  EXPECT_EQ(answer.total[0], 2U) << "a stale relay is part of the answer";

  fleet_.fleet().Heard(1, clock_.Now(), 0);
  EXPECT_EQ(Ask(Question()).coverage.fresh, 2U);
  TableQuestion question = Question();
  question.selection.hosts = {"missing"};
  EXPECT_EQ(Ask(question).coverage.relays, 1U);
  EXPECT_EQ(Ask(question).coverage.fresh, 0U);
}

TEST_F(QueryEngineTest, CoverageNamesClocksThatAreOffByMoreThanTwoSeconds) {
  for (const int64_t offset : {0, 2000, -2000, 2001, -86'400'000}) {
    Add(Relay("h" + std::to_string(offset), {}, offset));
  }
  const Coverage coverage = Ask(Question()).coverage;
  ASSERT_EQ(coverage.skewed.size(), 2U);
  EXPECT_EQ(coverage.skewed[0].identity.host, "h2001");
  EXPECT_EQ(coverage.skewed[0].clock_offset_milliseconds, 2001);
  EXPECT_EQ(coverage.skewed[1].clock_offset_milliseconds, -86'400'000);
  EXPECT_EQ(coverage.fresh, 5U) << "they are part of the answer all the same";
}

TEST_F(QueryEngineTest, CoverageCountsQueueFilesThatCouldNotBeRead) {
  Add(Relay("a"));
  Add(Relay("b"));
  const auto state = std::make_shared<RelayState>(*fleet_.fleet().View(2).state);
  v1::FileCounts files;
  files.set_unreadable(3);
  files.set_damaged(4);
  files.set_being_written(5);
  state->files = std::make_shared<const v1::FileCounts>(files);
  fleet_.fleet().SetState(2, state);
  EXPECT_EQ(Ask(Question()).coverage.skipped_files, 7U);
}

TEST_F(QueryEngineTest, AQuestionThatNobodyWaitsForIsGivenUp) {
  Add(Relay("a", {{kQueue, kAxis, "x", clock_.NowSeconds()}}));
  const std::atomic<bool> cancelled = true;
  for (const char* rows_by : {"", "host"}) {
    TableQuestion question = Question();
    question.rows_by = rows_by;
    EXPECT_EQ(fleet_.engine().GetTable(question, &cancelled).status().code(),
              absl::StatusCode::kCancelled);
  }
}

TEST_F(QueryEngineTest, QuestionsThatMakeNoTableAreRefused) {
  Add(Relay("a"));
  TableQuestion question = Question();
  question.rows_by = "rack";
  EXPECT_THAT(std::string(fleet_.engine().GetTable(question).status().message()),
              HasSubstr("no relay has a label rack"));
  question = Question();
  question.rows_by = "host";
  question.rows.parents = true;
  EXPECT_EQ(fleet_.engine().GetTable(question).status().code(), absl::StatusCode::kInvalidArgument);
  question = Question();
  question.order = RowOrder::kGroup;
  question.order_group = 1;
  EXPECT_EQ(fleet_.engine().GetTable(question).status().code(), absl::StatusCode::kInvalidArgument);
  question = Question();
  question.comparison = Comparison{"cluster", {"eu", "asia"}};
  EXPECT_THAT(std::string(fleet_.engine().GetTable(question).status().message()),
              HasSubstr("no relay has cluster asia; there is: eu"));
  question.comparison = Comparison{"cluster", {"eu", "eu"}};
  EXPECT_EQ(fleet_.engine().GetTable(question).status().code(), absl::StatusCode::kInvalidArgument);
  question.comparison = Comparison{"rack", {}};
  EXPECT_THAT(std::string(fleet_.engine().GetTable(question).status().message()),
              HasSubstr("nothing to compare"));
}

TEST_F(QueryEngineTest, AClockThatWasSetBackMakesNobodyStale) {
  Add(Relay("a"));
  clock_.AdvanceSeconds(-86'400);
  EXPECT_EQ(Ask(Question()).coverage.fresh, 1U);
}

TEST_F(QueryEngineTest, NoMatchIsNotFoundAndSaysWhatThereIs) {
  EXPECT_EQ(fleet_.engine().GetTable(Question()).status().code(), absl::StatusCode::kNotFound);
  Add(Relay("a"));
  TableQuestion question = Question();
  question.selection.hosts = {"b"};
  const absl::Status status = fleet_.engine().GetTable(question).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("there is: a"));
}

TEST_F(QueryEngineTest, NoQueuesAndEmptyQueuesMakeAnEmptyTable) {
  Add(Relay("a"));
  TableQuestion question = Question();
  EXPECT_EQ(Plain(Ask(question)), (PlainTable{std::vector<uint64_t>(11, 0), {}}));
  question.queues.clear();
  EXPECT_EQ(Plain(Ask(question)), (PlainTable{std::vector<uint64_t>(11, 0), {}}));
}

TEST_F(QueryEngineTest, BucketsThatMakeNoTableAreRefused) {
  Add(Relay("a"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double count : {0.0, -1.0, nan, infinity, AgeBuckets::kMaxBucketCount + 1}) {
    TableQuestion question = Question();
    question.buckets.bucket_count = count;
    EXPECT_EQ(fleet_.engine().GetTable(question).status().code(),
              absl::StatusCode::kInvalidArgument)
        << count;
  }
  for (const double bad : {0.0, -5.0, nan}) {
    TableQuestion question = Question();
    question.buckets.bucket_minutes = bad;
    EXPECT_EQ(fleet_.engine().GetTable(question).status().code(),
              absl::StatusCode::kInvalidArgument);
    question = Question();
    question.rows.min_subdomains = bad;
    EXPECT_EQ(fleet_.engine().GetTable(question).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  TableQuestion question = Question();
  question.buckets.bucket_count = AgeBuckets::kMaxBucketCount;
  question.buckets.linear = true;
  EXPECT_EQ(Ask(question).columns, 100'001U);
}

TEST_F(QueryEngineTest, ATableThatWouldNotFitIntoMemoryIsRefused) {
  NamedCells cells;
  for (int i = 0; i < 400; ++i) cells.insert({kQueue, kAxis, "d" + std::to_string(i), 1});
  Add(Relay("a", cells));
  TableQuestion question = Question();
  question.buckets.linear = true;
  question.buckets.bucket_count = AgeBuckets::kMaxBucketCount;
  const absl::Status status = fleet_.engine().GetTable(question).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("-b"));
  question.buckets.bucket_count = 100;
  EXPECT_EQ(Ask(question).names.size(), 400U);
}

// A relay's clock and a question's time are numbers that somebody else chose.
TEST_F(QueryEngineTest, RelayClocksAtTheEndsOfTimeAreAnswered) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("sound", {{kQueue, kAxis, "x", now}}));
  Add(Relay("ahead", {{kQueue, kAxis, "x", now}}, std::numeric_limits<int64_t>::max()));
  Add(Relay("behind", {{kQueue, kAxis, "x", now}}, std::numeric_limits<int64_t>::min()));
  TableQuestion question = Question();
  question.buckets.bucket_count = 2;
  EXPECT_EQ(Plain(Ask(question)), (PlainTable{{3, 2, 1}, {{"x", {3, 2, 1}}}}));
}

TEST_F(QueryEngineTest, QuestionsAboutTheEndsOfTimeAreAnswered) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("sound", {{kQueue, kAxis, "x", now}}));
  Add(Relay("ahead", {}, 3'600'000));
  Add(Relay("behind", {}, -3'600'000));
  TableQuestion question = Question();
  question.buckets.bucket_count = 2;
  question.at_seconds = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Plain(Ask(question)), (PlainTable{{1, 0, 1}, {{"x", {1, 0, 1}}}}));
  question.at_seconds = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Plain(Ask(question)), (PlainTable{{1, 1, 0}, {{"x", {1, 1, 0}}}}));
}

}  // namespace
}  // namespace fleetqshape
