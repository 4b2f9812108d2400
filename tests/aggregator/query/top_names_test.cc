#include "aggregator/query/top_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/aggregator/query/fake_fleet.h"
#include "tests/support/manual_clock.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::FakeFleet;
using test::FakeRelay;

constexpr Queue kQueue = Queue::kDeferred;
constexpr Axis kAxis = Axis::kRecipientDomain;

class TopNamesTest : public ::testing::Test {
 protected:
  // Adds a relay with so many arrivals of each name.
  void Add(const std::vector<std::pair<std::string, int>>& names) {
    FakeRelay relay = FakeFleet::Relay("h" + std::to_string(fleet_.relays().size()));
    for (const auto& [name, count] : names) {
      for (int i = 0; i < count; ++i) {
        relay.cells.insert({kQueue, kAxis, name, clock_.NowSeconds() - i});
      }
    }
    fleet_.Add(relay);
  }

  std::optional<TopNames> Count(size_t max_rows) {
    TableQuestion question;
    question.queues = {kQueue};
    question.max_rows = max_rows;
    const auto scan = Scan::Make(question, fleet_.fleet().Snapshot(), clock_.NowSeconds());
    EXPECT_TRUE(scan.ok());
    return CountTopNames(question, *scan, fleet_.fleet().names(), Crew(nullptr, 1, nullptr));
  }

  test::ManualClock clock_;
  FakeFleet fleet_{&clock_};
};

TEST_F(TopNamesTest, FindsWhatIsLargeOnOneRelayAndSmallOnAnother) {
  Add({{"a", 500}, {"b", 300}, {"c", 3}, {"d", 1}});
  Add({{"a", 1}, {"b", 300}, {"d", 1}, {".hidden", 900}});
  const auto top = Count(2);
  ASSERT_TRUE(top);
  ASSERT_EQ(top->ids.size(), 2U);
  EXPECT_EQ(fleet_.fleet().names().name(top->ids[0]), "b");
  EXPECT_EQ(fleet_.fleet().names().name(top->ids[1]), "a");
  EXPECT_EQ(top->rows, 4U);
  EXPECT_EQ(top->counted.counts[0], 600U);
  EXPECT_EQ(top->counted.counts[11], 501U);
  EXPECT_EQ(top->counted.total[0], 2006U);
  EXPECT_EQ(top->counted.outside, 905U);
}

// What is light everywhere may be the largest in all: then there is nothing to be said.
TEST_F(TopNamesTest, GivesUpWhereAnyNameMayBeTheLargest) {
  for (int relay = 0; relay < 40; ++relay) {
    Add({{"everywhere", 1}, {"here" + std::to_string(relay), 20}});
  }
  EXPECT_FALSE(Count(1)) << "everywhere has 40, and no relay has more than one of it";
  EXPECT_FALSE(Count(100)) << "there are fewer names";
}

// Against the sum of everything, for fleets with a few large names and many small ones.
TEST_F(TopNamesTest, EqualsTheFirstRowsOfAllRows) {
  size_t found = 0;
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(60); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    FakeFleet fleet(&clock_, 2);
    for (int64_t relays = random.Between(1, 8); relays > 0; --relays) {
      FakeRelay relay = FakeFleet::Relay("h" + std::to_string(relays));
      for (int64_t left = random.Between(0, 1500); left > 0; --left) {
        // Few are large. Some are large on some relays only.
        const int64_t spread = random.OneIn(3) ? 300 : random.OneIn(2) ? 12 : 3;
        const int64_t name = random.Between(0, spread) + (random.OneIn(4) ? relays % 3 : 0);
        relay.cells.insert({random.OneIn(4) ? Queue::kActive : kQueue, kAxis,
                            (name % 50 == 7 ? ".n" : "n") + std::to_string(name),
                            clock_.NowSeconds() - random.Between(0, 100'000)});
      }
      relay.description.labels["role"] = random.OneIn(2) ? "a" : "b";
      fleet.Add(relay);
    }
    TableQuestion question;
    question.queues = {kQueue, Queue::kActive};
    if (random.OneIn(3)) {
      question.comparison = Comparison{"role", {}};
      question.order = random.OneIn(2) ? RowOrder::kGroup : RowOrder::kTotal;
    }
    const auto all = fleet.engine().GetTable(question);
    ASSERT_TRUE(all.ok()) << all.status();
    for (const size_t rows : {1, 2, 5}) {
      question.max_rows = rows;
      const auto scan = Scan::Make(question, fleet.fleet().Snapshot(), clock_.NowSeconds());
      ASSERT_TRUE(scan.ok());
      const auto top =
          CountTopNames(question, *scan, fleet.fleet().names(), Crew(nullptr, 1, nullptr));
      if (!top) continue;
      ++found;
      const size_t shown = std::min(rows, all->names.size());
      ASSERT_EQ(top->ids.size(), shown);
      EXPECT_EQ(top->rows, all->rows);
      EXPECT_EQ(top->counted.total, all->total);
      for (size_t row = 0; row < shown; ++row) {
        EXPECT_EQ(fleet.fleet().names().name(top->ids[row]), all->names[row]);
      }
      const size_t numbers = shown * all->groups.size() * all->columns;
      EXPECT_TRUE(std::equal(top->counted.counts.begin(), top->counted.counts.end(),
                             all->counts.begin(),
                             all->counts.begin() + static_cast<std::ptrdiff_t>(numbers)));
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(found, test::Runs(60) / 2) << "or nothing was compared";
}

}  // namespace
}  // namespace fleetqshape
