// Whatever is asked of whatever fleet: the answer is that of a sum over all cells.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/query/query_engine.h"
#include "common/shape/address.h"
#include "common/shape/age_buckets.h"
#include "common/shape/shape_table.h"
#include "tests/aggregator/query/fake_fleet.h"
#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::FakeFleet;
using test::FakeRelay;
using test::NamedCell;
using test::RandomSource;

// What one row, or TOTAL, counts in one group.
struct NaiveCell {
  std::vector<uint64_t> counts;
  std::vector<int64_t> ages;
};

struct NaiveAnswer {
  std::vector<std::string> groups;
  std::vector<NaiveCell> total;                        // by group
  std::map<std::string, std::vector<NaiveCell>> rows;  // by group
  std::vector<std::string> order;                      // of all visible rows
  std::map<std::string, uint64_t> names;               // what each counts, if rows are names
};

bool Counts(const TableQuestion& question, const std::string& name, int64_t age) {
  if (question.min_age_seconds && age < *question.min_age_seconds) return false;
  if (question.max_age_seconds && age >= *question.max_age_seconds) return false;
  if (question.names.empty()) return true;
  return std::any_of(question.names.begin(), question.names.end(), [&](const std::string& wanted) {
    return name == wanted || (wanted.starts_with('.') && name.ends_with(wanted));
  });
}

// The row of a cell; none: the relay is in none.
std::string RowOf(const TableQuestion& question, const FakeRelay& relay, const NamedCell& cell) {
  if (question.rows_by.empty()) return cell.name;
  if (question.rows_by == "queue") return std::string(QueueName(cell.queue));
  if (question.rows_by == "relay") return relay.description.identity.ToString();
  return ValueOf(relay.description, question.rows_by).value_or("");
}

std::optional<size_t> GroupOf(const TableQuestion& question, const FakeRelay& relay,
                              const std::vector<std::string>& groups) {
  if (!question.comparison) return 0;
  const auto value = ValueOf(relay.description, question.comparison->key);
  if (!value) return std::nullopt;
  const auto found = std::find(groups.begin(), groups.end(), *value);
  if (found == groups.end()) return std::nullopt;
  return static_cast<size_t>(found - groups.begin());
}

std::vector<double> SharesOf(const NaiveAnswer& answer, const std::vector<NaiveCell>& row) {
  std::vector<double> shares;
  for (size_t group = 0; group < row.size(); ++group) {
    const auto total = static_cast<double>(answer.total[group].counts[0]);
    shares.push_back(total == 0 ? 0 : static_cast<double>(row[group].counts[0]) / total);
  }
  return shares;
}

double RatioOf(const NaiveAnswer& answer, const std::vector<NaiveCell>& row) {
  std::vector<double> shares;
  for (size_t group = 0; group < row.size(); ++group) {
    shares.push_back(static_cast<double>(row[group].counts[0] + 1) /
                     static_cast<double>(answer.total[group].counts[0] + 1));
  }
  return *std::max_element(shares.begin(), shares.end()) /
         *std::min_element(shares.begin(), shares.end());
}

double KeyOf(const TableQuestion& question, const NaiveAnswer& answer,
             const std::vector<NaiveCell>& row) {
  const std::vector<double> shares = SharesOf(answer, row);
  const double most = *std::max_element(shares.begin(), shares.end());
  const double least = *std::min_element(shares.begin(), shares.end());
  double sum = 0;
  for (const NaiveCell& cell : row) sum += static_cast<double>(cell.counts[0]);
  switch (question.order) {
    case RowOrder::kTotal:
      return sum;
    case RowOrder::kName:
      return 0;
    case RowOrder::kShareDifference:
      return most - least;
    case RowOrder::kGroup:
      return static_cast<double>(row[question.order_group].counts[0]);
    case RowOrder::kShareRatio:
      return RatioOf(answer, row);
  }
  return 0;
}

// Parents, and which rows are seen: by the table that local scans use.
void KeepVisible(const TableQuestion& question, NaiveAnswer* answer) {
  ShapeTable table(2);
  for (const auto& [name, cells] : answer->rows) table.Add(name, 1);
  std::map<std::string, std::vector<NaiveCell>> rows;
  const Table visible = table.Finish(question.rows);
  for (const std::string& shown : visible.names) {
    std::vector<NaiveCell>& row = rows[shown];
    row.resize(answer->groups.size(), {std::vector<uint64_t>(answer->total[0].counts.size()), {}});
    for (const auto& [name, cells] : answer->rows) {
      bool below = name == shown;
      if (question.rows.parents) {
        for (std::string_view parent = ParentDomain(name); !parent.empty();
             parent = ParentDomain(parent)) {
          below = below || parent == shown;
        }
      }
      if (!below) continue;
      for (size_t group = 0; group < cells.size(); ++group) {
        for (size_t i = 0; i < cells[group].counts.size(); ++i) {
          row[group].counts[i] += cells[group].counts[i];
        }
        row[group].ages.insert(row[group].ages.end(), cells[group].ages.begin(),
                               cells[group].ages.end());
      }
    }
  }
  answer->rows = std::move(rows);
}

NaiveAnswer Naive(const FakeFleet& fleet, const TableQuestion& question, int64_t at) {
  NaiveAnswer answer;
  const AgeBuckets buckets(question.buckets);
  std::set<std::string> values;
  for (const FakeRelay& relay : fleet.relays()) {
    if (!question.comparison || !Selects(question.selection, relay.description)) continue;
    if (auto value = ValueOf(relay.description, question.comparison->key)) values.insert(*value);
  }
  answer.groups = question.comparison ? question.comparison->values : std::vector<std::string>{""};
  if (answer.groups.empty()) answer.groups.assign(values.begin(), values.end());
  const NaiveCell nothing{std::vector<uint64_t>(buckets.columns()), {}};
  answer.total.resize(answer.groups.size(), nothing);
  const auto row_of = [&](const std::string& name) -> std::vector<NaiveCell>& {
    auto& row = answer.rows[name];
    row.resize(answer.groups.size(), nothing);
    return row;
  };
  if (question.rows_by == "queue") {
    for (const Queue queue : question.queues) row_of(std::string(QueueName(queue)));
  }
  for (const FakeRelay& relay : fleet.relays()) {
    const auto group = GroupOf(question, relay, answer.groups);
    if (!group || !Selects(question.selection, relay.description)) continue;
    const bool off = std::abs(relay.clock_offset_milliseconds) >= 1000;
    const int64_t now = at + (off ? relay.clock_offset_milliseconds / 1000 : 0);
    if (!question.rows_by.empty() && question.rows_by != "queue") {
      row_of(RowOf(question, relay, {}));
    }
    for (const NamedCell& cell : relay.cells) {
      const int64_t age = now - cell.arrival;
      if (!question.queues.contains(cell.queue) || cell.axis != question.axis ||
          !Counts(question, cell.name, age)) {
        continue;
      }
      const size_t bucket = buckets.BucketOf(static_cast<double>(age));
      for (NaiveCell* one :
           {&row_of(RowOf(question, relay, cell))[*group], &answer.total[*group]}) {
        ++one->counts[0];
        if (bucket < buckets.columns()) ++one->counts[bucket];
        one->ages.push_back(std::max<int64_t>(age, 0));
      }
    }
  }
  if (question.rows_by.empty()) {
    for (const auto& [name, row] : answer.rows) {
      for (const NaiveCell& cell : row) answer.names[name] += cell.counts[0];
    }
    KeepVisible(question, &answer);
  }
  for (const auto& [name, row] : answer.rows) answer.order.push_back(name);
  std::sort(answer.order.begin(), answer.order.end(), [&](const auto& a, const auto& b) {
    const double a_key = KeyOf(question, answer, answer.rows[a]);
    const double b_key = KeyOf(question, answer, answer.rows[b]);
    if (a_key != b_key) return a_key > b_key;
    if (question.order != RowOrder::kName && a.size() != b.size()) return a.size() < b.size();
    return a < b;
  });
  return answer;
}

void ExpectAges(const NaiveCell& cell, int64_t median, int64_t oldest) {
  std::vector<int64_t> ages = cell.ages;
  std::sort(ages.begin(), ages.end());
  EXPECT_EQ(median, ages.empty() ? TableAnswer::kNoAge : ages[ages.size() / 2]);
  EXPECT_EQ(oldest, ages.empty() ? TableAnswer::kNoAge : ages.back());
}

void ExpectRow(const TableAnswer& answer, size_t row, const std::vector<NaiveCell>& naive,
               bool ages) {
  std::vector<uint64_t> counts;
  for (const NaiveCell& cell : naive) {
    counts.insert(counts.end(), cell.counts.begin(), cell.counts.end());
  }
  const size_t width = answer.groups.size() * answer.columns;
  EXPECT_EQ(std::vector<uint64_t>(answer.row(row), answer.row(row) + width), counts);
  for (size_t group = 0; ages && group < naive.size(); ++group) {
    const size_t cell = row * naive.size() + group;
    ExpectAges(naive[group], answer.median_ages[cell], answer.oldest_ages[cell]);
  }
}

// What counts in TOTAL and in no row that is shown.
uint64_t OutsideOf(const NaiveAnswer& naive, const TableQuestion& question, size_t shown) {
  uint64_t outside = 0;
  if (!question.rows_by.empty()) {
    for (size_t i = shown; i < naive.order.size(); ++i) {
      for (const NaiveCell& cell : naive.rows.at(naive.order[i])) outside += cell.counts[0];
    }
    return outside;
  }
  const std::set<std::string> rows(naive.order.begin(),
                                   naive.order.begin() + static_cast<std::ptrdiff_t>(shown));
  for (const auto& [name, count] : naive.names) {
    bool inside = rows.contains(name);
    for (std::string parent(name); question.rows.parents && !parent.empty();) {
      parent = std::string(ParentDomain(parent));
      inside = inside || (!parent.empty() && rows.contains(parent));
    }
    if (!inside) outside += count;
  }
  return outside;
}

void ExpectEqual(const TableAnswer& answer, const NaiveAnswer& naive,
                 const TableQuestion& question) {
  ASSERT_EQ(answer.groups.size(), naive.groups.size());
  ASSERT_EQ(answer.rows, naive.order.size());
  const size_t shown =
      question.max_rows == 0 ? naive.order.size() : std::min(naive.order.size(), question.max_rows);
  ASSERT_EQ(answer.names,
            std::vector<std::string>(naive.order.begin(),
                                     naive.order.begin() + static_cast<std::ptrdiff_t>(shown)));
  EXPECT_EQ(answer.cut_off_total, OutsideOf(naive, question, shown));
  for (size_t group = 0; group < naive.groups.size(); ++group) {
    EXPECT_EQ(answer.groups[group].name, naive.groups[group]);
    const auto first = answer.total.begin() + static_cast<std::ptrdiff_t>(group * answer.columns);
    EXPECT_EQ(std::vector<uint64_t>(first, first + static_cast<std::ptrdiff_t>(answer.columns)),
              naive.total[group].counts);
    if (question.ages) {
      ExpectAges(naive.total[group], answer.total_median_ages[group],
                 answer.total_oldest_ages[group]);
    }
  }
  for (size_t row = 0; row < shown; ++row) {
    SCOPED_TRACE(answer.names[row]);
    ExpectRow(answer, row, naive.rows.at(answer.names[row]), question.ages);
  }
}

const std::vector<std::string>& Names() {
  static const std::vector<std::string> names = {
      "",           "a.example",    "b.example",     "c.b.example",       "d.b.example",
      ".dotted",    "x.y.z.test",   "MAILER-DAEMON", ".b.example",        "q.x.y.z.test",
      "1.2.3.4.55", "9.1.2.3.4.55", "8.2.3.4.55",    ".2.3.4.55",         "7.9.1.2.3.4.55",
      ".",          "..",           "a..b",          "deep.1.2.3.4.5.66", "b.deep.1.2.3.4.5.66"};
  return names;
}

// In some fleets nearly all clocks agree.
FakeRelay RandomRelay(RandomSource& random, const std::string& host, int64_t now, bool agree) {
  static const std::vector<int64_t> all_offsets = {
      0, 1, -999, 999, 1000, -1000, 1500, -1500, 86'400'000, -7'200'000, 3'600'000};
  static const std::vector<int64_t> usual_offsets = {2000, 2000, 2000, 2100, 2999, -1500};
  const std::vector<int64_t>& offsets = agree ? usual_offsets : all_offsets;
  FakeRelay relay = FakeFleet::Relay(host);
  relay.description.identity.cluster = random.OneIn(2) ? "eu" : "us";
  if (!random.OneIn(3)) relay.description.labels["role"] = random.OneIn(2) ? "gateway" : "spam";
  relay.clock_offset_milliseconds = random.OneOf(offsets);
  relay.names_twice = random.OneIn(8);
  if (random.OneIn(4)) relay.names_before = static_cast<size_t>(random.Between(1, 3000));
  const int64_t most = random.OneIn(10) ? 2000 : 60;
  // Some relays have more of one name than others.
  const std::string favourite = random.OneOf(Names());
  for (int64_t cells = random.Between(0, most); cells > 0; --cells) {
    const int64_t age = random.OneIn(5) ? random.Between(-4000, 2'000'000)
                                        : random.Between(0, 64) * 300 + random.Between(-1, 1);
    int64_t arrival = now + relay.clock_offset_milliseconds / 1000 - age;
    if (random.OneIn(200)) arrival = random.OneIn(2) ? -5 : int64_t{1} << 40;
    relay.cells.insert({random.OneOf(kAllQueues), random.OneOf(kAllAxes),
                        random.OneIn(2) ? favourite : random.OneOf(Names()), arrival});
  }
  return relay;
}

TableQuestion RandomQuestion(RandomSource& random, int64_t now) {
  TableQuestion question;
  if (random.OneIn(4)) question.selection.clusters = {random.OneIn(2) ? "eu" : "us"};
  if (random.OneIn(5)) question.selection.roles = {"gateway"};
  for (Queue queue : kAllQueues) {
    if (!random.OneIn(3)) question.queues.insert(queue);
  }
  question.axis = random.OneOf(kAllAxes);
  question.buckets.bucket_count = random.OneOf(std::vector<double>{1, 2, 3.7, 10, 50});
  question.buckets.bucket_minutes = random.OneOf(std::vector<double>{0.01, 1, 5, 7.5, 600});
  question.buckets.linear = random.OneIn(2);
  question.rows.min_subdomains = static_cast<double>(random.Between(1, 5));
  if (random.OneIn(3)) question.at_seconds = now + random.Between(-5000, 100'000);
  if (random.OneIn(3)) {
    question.rows_by = random.OneOf(
        std::vector<std::string>{"host", "cluster", "relay", "queue", "role", "instance"});
  } else {
    question.rows.parents = random.OneIn(2);
  }
  if (random.OneIn(3)) {
    for (int64_t i = random.Between(1, 3); i > 0; --i) {
      question.names.push_back(random.OneIn(3) ? ".b.example" : random.OneOf(Names()));
    }
  }
  if (random.OneIn(4)) question.min_age_seconds = random.Between(-100, 40) * 300;
  if (random.OneIn(4)) question.max_age_seconds = random.Between(-10, 80) * 300;
  if (random.OneIn(3)) {
    question.comparison.emplace();
    question.comparison->key = random.OneIn(2) ? "role" : "cluster";
    if (random.OneIn(3)) {
      question.comparison->values = question.comparison->key == "role"
                                        ? std::vector<std::string>{"spam", "gateway"}
                                        : std::vector<std::string>{"us", "eu"};
    }
  }
  question.order = random.OneOf(std::vector<RowOrder>{RowOrder::kTotal, RowOrder::kTotal,
                                                      RowOrder::kName, RowOrder::kShareDifference,
                                                      RowOrder::kGroup, RowOrder::kShareRatio});
  if (random.OneIn(2)) question.max_rows = static_cast<size_t>(random.Between(1, 12));
  question.ages = random.OneIn(2);
  return question;
}

// What has no answer says so: no relay matches, or none has a label that was asked for.
bool HasAnswer(const FakeFleet& fleet, const TableQuestion& question, absl::StatusCode* code) {
  std::vector<const FakeRelay*> selected;
  for (const FakeRelay& relay : fleet.relays()) {
    if (Selects(question.selection, relay.description)) selected.push_back(&relay);
  }
  *code = absl::StatusCode::kNotFound;
  if (selected.empty()) return false;
  *code = absl::StatusCode::kInvalidArgument;
  std::vector<const FakeRelay*> grouped;
  if (question.comparison) {
    std::set<std::string> there;
    for (const FakeRelay* relay : selected) {
      const auto value = ValueOf(relay->description, question.comparison->key);
      if (!value) continue;
      there.insert(*value);
      const auto& wanted = question.comparison->values;
      if (wanted.empty() || std::find(wanted.begin(), wanted.end(), *value) != wanted.end()) {
        grouped.push_back(relay);
      }
    }
    if (there.empty()) return false;
    for (const std::string& value : question.comparison->values) {
      if (!there.contains(value)) return false;
    }
    selected = grouped;
  }
  if (question.rows_by == "role") {
    return std::any_of(selected.begin(), selected.end(), [](const FakeRelay* relay) {
      return relay->description.labels.contains("role");
    });
  }
  return true;
}

TEST(QueryRandomTest, EqualsANaiveSumForRandomFleetsAndQuestions) {
  uint64_t rows = 0;
  uint64_t answers = 0;
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(1000); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    test::ManualClock clock;
    FakeFleet fleet(&clock, random.OneIn(4) ? 3 : 1);
    const int64_t now = clock.NowSeconds();
    const bool agree = random.OneIn(2);
    for (int64_t left = random.Between(1, 6); left > 0; --left) {
      fleet.Add(RandomRelay(random, "h" + std::to_string(left), now, agree));
    }
    for (int i = 0; i < 6; ++i) {
      const TableQuestion question = RandomQuestion(random, now);
      const auto answer = fleet.engine().GetTable(question);
      absl::StatusCode code;
      if (!HasAnswer(fleet, question, &code)) {
        EXPECT_EQ(answer.status().code(), code) << answer.status();
        continue;
      }
      ASSERT_TRUE(answer.ok()) << answer.status();
      const int64_t at = question.at_seconds.value_or(now);
      EXPECT_EQ(answer->at_seconds, at);
      ExpectEqual(*answer, Naive(fleet, question, at), question);
      rows += answer->names.size();
      ++answers;
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(rows, answers) << "the questions were about something";
}

}  // namespace
}  // namespace fleetqshape
