#include "aggregator/query/query_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

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

PlainTable Plain(const Table& table) {
  PlainTable plain{table.total, {}};
  for (size_t i = 0; i < table.names.size(); ++i) {
    EXPECT_FALSE(plain.rows.contains(table.names[i])) << "two rows of " << table.names[i];
    plain.rows[table.names[i]].assign(table.row(i), table.row(i) + table.columns);
  }
  return plain;
}

struct FakeRelay {
  RelayDescription description;
  NamedCells cells;
  int64_t clock_offset_milliseconds = 0;
};

class QueryEngineTest : public ::testing::Test {
 protected:
  static FakeRelay Relay(const std::string& host, const NamedCells& cells = {},
                         int64_t clock_offset_milliseconds = 0) {
    return {{{"eu", host, "postfix"}, {}, "0.1.0"}, cells, clock_offset_milliseconds};
  }

  // Adds a relay that was heard of just now.
  void Add(const FakeRelay& relay) {
    const auto id = static_cast<RelayId>(relays_.size() + 1);
    fleet_->Describe(id, std::make_shared<const RelayDescription>(relay.description));
    fleet_->Heard(id, clock_.Now(), relay.clock_offset_milliseconds);
    // The relay's own ids are not those of the fleet, nor are its names in any order.
    std::map<std::string, uint32_t> ids;
    std::vector<std::string_view> names_by_id;
    for (auto cell = relay.cells.rbegin(); cell != relay.cells.rend(); ++cell) {
      if (ids.try_emplace(cell->name, static_cast<uint32_t>(ids.size())).second) {
        names_by_id.push_back(cell->name);
      }
    }
    const std::shared_ptr<RelayState> state = EmptyRelayState();
    state->epoch = 1;
    state->sequence = 1;
    state->names = RelayNames().With(names_by_id, &fleet_->names());
    std::map<size_t, std::map<uint32_t, std::multiset<int64_t>>> sections;
    for (const test::NamedCell& cell : relay.cells) {
      sections[SectionIndex(cell.queue, cell.axis)][ids[cell.name]].insert(cell.arrival);
    }
    for (const auto& [index, names] : sections) {
      BlockBuilder builder;
      for (const auto& [name_id, arrivals] : names) {
        builder.StartName(name_id);
        for (int64_t arrival : arrivals) builder.AddArrival(arrival);
      }
      state->sections[index] = std::make_shared<const Block>(builder.Finish());
    }
    fleet_->SetState(id, state);
    relays_.push_back(relay);
  }

  TableQuestion Question() const {
    TableQuestion question;
    question.queues = {kQueue};
    question.axis = kAxis;
    return question;
  }

  TableAnswer Ask(const TableQuestion& question) const {
    auto answer = engine_->GetTable(question);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *std::move(answer) : TableAnswer{};
  }

  // The same, cell by cell. A relay's clock counts if it is a second off or more.
  PlainTable Naive(const TableQuestion& question) const {
    const AgeBuckets buckets(question.buckets);
    ShapeTable table(buckets.columns());
    const int64_t at = question.at_seconds.value_or(clock_.NowSeconds());
    for (const FakeRelay& relay : relays_) {
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

  // An empty fleet.
  void StartOver() {
    fleet_ = std::make_unique<Fleet>();
    engine_ = std::make_unique<QueryEngine>(fleet_.get(), &clock_,
                                            QueryEngine::Options{.stale_after_seconds = 60});
    relays_.clear();
  }
  void SetUp() override { StartOver(); }

  test::ManualClock clock_;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<QueryEngine> engine_;
  std::vector<FakeRelay> relays_;
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
  EXPECT_EQ(Plain(answer.table),
            (PlainTable{{5, 3, 1, 1}, {{"x", {3, 2, 1, 0}}, {"y", {2, 1, 0, 1}}}}));
  EXPECT_EQ(answer.at_seconds, now);
  EXPECT_EQ(answer.table.columns, 4U);
}

TEST_F(QueryEngineTest, RelaysAreSummedByNameWhateverTheirIds) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now}, {kQueue, kAxis, "y", now}}));
  Add(Relay("b", {{kQueue, kAxis, "y", now}, {kQueue, kAxis, "z", now}}));
  TableQuestion question = Question();
  question.buckets.bucket_count = 1;
  EXPECT_EQ(Plain(Ask(question).table),
            (PlainTable{{4, 4}, {{"x", {1, 1}}, {"y", {2, 2}}, {"z", {1, 1}}}}));
  question.selection.hosts = {"b"};
  EXPECT_EQ(Plain(Ask(question).table), (PlainTable{{2, 2}, {{"y", {1, 1}}, {"z", {1, 1}}}}));
  EXPECT_EQ(Ask(question).coverage.relays, 1U);
}

TEST_F(QueryEngineTest, EqualsANaiveSumForRandomFleetsAndQuestions) {
  const std::vector<std::string> names = {"",          "a.example", "b.example",  "c.b.example",
                                          "d.example", ".dotted",   "x.y.z.test", "MAILER-DAEMON"};
  const std::vector<int64_t> offsets = {0,    1,     -999,       999,        1000,     -1000,
                                        1500, -1500, 86'400'000, -7'200'000, 3'600'000};
  uint64_t rows = 0;
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(400); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    StartOver();
    const int64_t now = clock_.NowSeconds();
    for (int64_t left = random.Between(1, 5); left > 0; --left) {
      FakeRelay relay = Relay("h" + std::to_string(left));
      relay.description.identity.cluster = random.OneIn(2) ? "eu" : "us";
      if (random.OneIn(2)) relay.description.labels["role"] = random.OneIn(2) ? "gateway" : "spam";
      relay.clock_offset_milliseconds = random.OneOf(offsets);
      for (int64_t cells = random.Between(0, 60); cells > 0; --cells) {
        const int64_t age = random.OneIn(5) ? random.Between(-4000, 2'000'000)
                                            : random.Between(0, 64) * 300 + random.Between(-1, 1);
        relay.cells.insert({random.OneOf(kAllQueues), random.OneOf(kAllAxes), random.OneOf(names),
                            now + relay.clock_offset_milliseconds / 1000 - age});
      }
      Add(relay);
    }
    for (int i = 0; i < 4; ++i) {
      TableQuestion question;
      if (random.OneIn(3)) question.selection.clusters = {random.OneIn(2) ? "eu" : "us"};
      if (random.OneIn(4)) question.selection.roles = {"gateway"};
      for (Queue queue : kAllQueues) {
        if (random.OneIn(2)) question.queues.insert(queue);
      }
      question.axis = random.OneOf(kAllAxes);
      question.buckets.bucket_count = random.OneOf(std::vector<double>{1, 2, 3.7, 10, 50});
      question.buckets.bucket_minutes = random.OneOf(std::vector<double>{0.01, 1, 5, 7.5, 600});
      question.buckets.linear = random.OneIn(2);
      question.rows.parents = random.OneIn(2);
      question.rows.min_subdomains = static_cast<double>(random.Between(1, 5));
      if (random.OneIn(3)) question.at_seconds = now + random.Between(-5000, 100'000);
      const auto answer = engine_->GetTable(question);
      bool any = false;
      for (const FakeRelay& relay : relays_) any |= Selects(question.selection, relay.description);
      if (!any) {
        EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
        continue;
      }
      ASSERT_TRUE(answer.ok()) << answer.status();
      EXPECT_EQ(Plain(answer->table), Naive(question));
      EXPECT_EQ(answer->at_seconds, question.at_seconds.value_or(now));
      rows += answer->table.names.size();
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(rows, 100U) << "the questions were about something";
}

TEST_F(QueryEngineTest, ABucketCountBelowOneLeavesTheSumOnly) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now}, {kQueue, kAxis, "x", now - 100'000}}));
  TableQuestion question = Question();
  question.buckets.bucket_count = 0.5;
  EXPECT_EQ(Plain(Ask(question).table), (PlainTable{{2}, {{"x", {2}}}}));
}

TEST_F(QueryEngineTest, AgesAdvanceWithoutTraffic) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now - 10}, {kQueue, kAxis, "y", now - 4000}}));
  const TableQuestion question = Question();
  PlainTable before = Plain(Ask(question).table);
  EXPECT_EQ(before, Naive(question));
  EXPECT_EQ(before.rows["x"][1], 1U);
  clock_.AdvanceSeconds(3600);
  const TableAnswer later = Ask(question);
  EXPECT_EQ(Plain(later.table), Naive(question));
  EXPECT_EQ(Plain(later.table).rows["x"][1], 0U);
  EXPECT_EQ(Plain(later.table).rows["x"][5], 1U) << "80 minutes and less";
  EXPECT_EQ(later.at_seconds, now + 3600);
  EXPECT_EQ(Plain(later.table).total[0], 2U);
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
    EXPECT_EQ(Plain(Ask(question).table),
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
  EXPECT_EQ(Plain(Ask(question).table), (PlainTable{{6, 6, 0}, {{"x", {6, 6, 0}}}}));
}

TEST_F(QueryEngineTest, AQuestionMayBeAboutAnotherTime) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("a", {{kQueue, kAxis, "x", now - 10}}));
  TableQuestion question = Question();
  for (const int64_t at : {now - 100'000, now, now + 299, now + 100'000, int64_t{1}}) {
    question.at_seconds = at;
    EXPECT_EQ(Plain(Ask(question).table), Naive(question)) << at;
    EXPECT_EQ(Ask(question).at_seconds, at);
  }
}

TEST_F(QueryEngineTest, CoverageSaysWhoIsFreshStaleAndMissing) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("stale", {{kQueue, kAxis, "x", now}}));
  Add(Relay("reported", {{kQueue, kAxis, "x", now}}));
  fleet_->Describe(9, std::make_shared<const RelayDescription>(
                          RelayDescription{{"eu", "missing", "postfix"}, {}, ""}));
  fleet_->Heard(9, clock_.Now(), 0);
  Coverage coverage = Ask(Question()).coverage;
  EXPECT_EQ(coverage.relays, 3U);
  EXPECT_EQ(coverage.fresh, 2U);
  EXPECT_TRUE(coverage.stale.empty());
  ASSERT_EQ(coverage.missing.size(), 1U);
  EXPECT_EQ(coverage.missing[0].identity.host, "missing");

  clock_.AdvanceMilliseconds(60'999);
  EXPECT_EQ(Ask(Question()).coverage.fresh, 2U) << "not yet longer than 60 seconds";
  clock_.AdvanceMilliseconds(1);
  fleet_->Heard(2, clock_.Now(), 0);
  const TableAnswer answer = Ask(Question());
  coverage = answer.coverage;
  EXPECT_EQ(coverage.relays, 3U);
  EXPECT_EQ(coverage.fresh, 1U);
  ASSERT_EQ(coverage.stale.size(), 1U);
  EXPECT_EQ(coverage.stale[0].identity.host, "stale");
  EXPECT_EQ(coverage.stale[0].silent_seconds, 61);
  ASSERT_EQ(coverage.missing.size(), 1U);
  EXPECT_EQ(coverage.missing[0].silent_seconds, 61);
  EXPECT_EQ(answer.table.total[0], 2U) << "a stale relay is part of the answer";

  fleet_->Heard(1, clock_.Now(), 0);
  EXPECT_EQ(Ask(Question()).coverage.fresh, 2U);
  TableQuestion question = Question();
  question.selection.hosts = {"missing"};
  EXPECT_EQ(Ask(question).coverage.relays, 1U);
  EXPECT_EQ(Ask(question).coverage.fresh, 0U);
}

TEST_F(QueryEngineTest, AClockThatWasSetBackMakesNobodyStale) {
  Add(Relay("a"));
  clock_.AdvanceSeconds(-86'400);
  EXPECT_EQ(Ask(Question()).coverage.fresh, 1U);
}

TEST_F(QueryEngineTest, NoMatchIsNotFoundAndSaysWhatThereIs) {
  EXPECT_EQ(engine_->GetTable(Question()).status().code(), absl::StatusCode::kNotFound);
  Add(Relay("a"));
  TableQuestion question = Question();
  question.selection.hosts = {"b"};
  const absl::Status status = engine_->GetTable(question).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("there is: a"));
}

TEST_F(QueryEngineTest, NoQueuesAndEmptyQueuesMakeAnEmptyTable) {
  Add(Relay("a"));
  TableQuestion question = Question();
  EXPECT_EQ(Plain(Ask(question).table), (PlainTable{std::vector<uint64_t>(11, 0), {}}));
  question.queues.clear();
  EXPECT_EQ(Plain(Ask(question).table), (PlainTable{std::vector<uint64_t>(11, 0), {}}));
}

TEST_F(QueryEngineTest, BucketsThatMakeNoTableAreRefused) {
  Add(Relay("a"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double count : {0.0, -1.0, nan, infinity, AgeBuckets::kMaxBucketCount + 1}) {
    TableQuestion question = Question();
    question.buckets.bucket_count = count;
    EXPECT_EQ(engine_->GetTable(question).status().code(), absl::StatusCode::kInvalidArgument)
        << count;
  }
  for (const double bad : {0.0, -5.0, nan}) {
    TableQuestion question = Question();
    question.buckets.bucket_minutes = bad;
    EXPECT_EQ(engine_->GetTable(question).status().code(), absl::StatusCode::kInvalidArgument);
    question = Question();
    question.rows.min_subdomains = bad;
    EXPECT_EQ(engine_->GetTable(question).status().code(), absl::StatusCode::kInvalidArgument);
  }
  TableQuestion question = Question();
  question.buckets.bucket_count = AgeBuckets::kMaxBucketCount;
  question.buckets.linear = true;
  EXPECT_EQ(Ask(question).table.columns, 100'001U);
}

TEST_F(QueryEngineTest, ATableThatWouldNotFitIntoMemoryIsRefused) {
  NamedCells cells;
  for (int i = 0; i < 200; ++i) cells.insert({kQueue, kAxis, "d" + std::to_string(i), 1});
  Add(Relay("a", cells));
  TableQuestion question = Question();
  question.buckets.linear = true;
  question.buckets.bucket_count = AgeBuckets::kMaxBucketCount;
  const absl::Status status = engine_->GetTable(question).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("-b"));
  question.buckets.bucket_count = 100;
  EXPECT_EQ(Ask(question).table.names.size(), 200U);
}

// A relay's clock and a question's time are numbers that somebody else chose.
TEST_F(QueryEngineTest, RelayClocksAtTheEndsOfTimeAreAnswered) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("sound", {{kQueue, kAxis, "x", now}}));
  Add(Relay("ahead", {{kQueue, kAxis, "x", now}}, std::numeric_limits<int64_t>::max()));
  Add(Relay("behind", {{kQueue, kAxis, "x", now}}, std::numeric_limits<int64_t>::min()));
  TableQuestion question = Question();
  question.buckets.bucket_count = 2;
  EXPECT_EQ(Plain(Ask(question).table), (PlainTable{{3, 2, 1}, {{"x", {3, 2, 1}}}}));
}

TEST_F(QueryEngineTest, QuestionsAboutTheEndsOfTimeAreAnswered) {
  const int64_t now = clock_.NowSeconds();
  Add(Relay("sound", {{kQueue, kAxis, "x", now}}));
  Add(Relay("ahead", {}, 3'600'000));
  Add(Relay("behind", {}, -3'600'000));
  TableQuestion question = Question();
  question.buckets.bucket_count = 2;
  question.at_seconds = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Plain(Ask(question).table), (PlainTable{{1, 0, 1}, {{"x", {1, 0, 1}}}}));
  question.at_seconds = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Plain(Ask(question).table), (PlainTable{{1, 1, 0}, {{"x", {1, 1, 0}}}}));
}

}  // namespace
}  // namespace fleetqshape
