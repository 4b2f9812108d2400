// Ages of so many messages that they are not just sorted.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "aggregator/query/query_engine.h"
#include "tests/aggregator/query/fake_fleet.h"
#include "tests/support/manual_clock.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::FakeFleet;
using test::FakeRelay;

constexpr Queue kQueue = Queue::kDeferred;
constexpr Axis kAxis = Axis::kRecipientDomain;

// The median and the oldest.
std::vector<int64_t> Summary(std::vector<int64_t> ages) {
  std::sort(ages.begin(), ages.end());
  return {ages[ages.size() / 2], ages.back()};
}

TEST(AgeSummaryTest, ManyAgesAreCutIntoPartsUntilTheMedianIsLeft) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(8); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    test::ManualClock clock;
    FakeFleet fleet(&clock, random.OneIn(2) ? 2 : 1);
    std::vector<int64_t> all;
    std::vector<int64_t> large;
    // Most messages lie close together, somewhere; some are from the future.
    const int64_t middle = random.Between(0, 400'000);
    for (int relay = 0; relay < 3; ++relay) {
      FakeRelay one = FakeFleet::Relay("h" + std::to_string(relay), {}, (relay - 1) * 7000);
      const int64_t now = clock.NowSeconds() + (relay - 1) * 7;
      for (int i = 0; i < 30'000; ++i) {
        int64_t age =
            random.OneIn(3) ? random.Between(-1000, 500'000) : middle + random.Between(0, 2000);
        if (random.OneIn(5000)) age = int64_t{1} << 40;
        const bool is_large = !random.OneIn(4);
        one.cells.insert(
            {kQueue, kAxis, is_large ? "large" : "n" + std::to_string(i % 50), now - age});
        all.push_back(std::max<int64_t>(age, 0));
        if (is_large) large.push_back(all.back());
      }
      fleet.Add(one);
    }
    TableQuestion question;
    question.queues = {kQueue};
    question.max_rows = 1;
    question.ages = true;
    // The bucket that has the median may be any, with or without an end.
    question.buckets.bucket_count = random.OneOf(std::vector<double>{0.5, 1, 2, 3.7, 10, 200});
    question.buckets.bucket_minutes = random.OneOf(std::vector<double>{0.5, 5, 600});
    question.buckets.linear = random.OneIn(2);
    const auto answer = fleet.engine().GetTable(question);
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->names, std::vector<std::string>{"large"});
    EXPECT_EQ((std::vector<int64_t>{answer->median_ages[0], answer->oldest_ages[0]}),
              Summary(large));
    EXPECT_EQ((std::vector<int64_t>{answer->total_median_ages[0], answer->total_oldest_ages[0]}),
              Summary(all));

    // The same without the odd ones, which make a relay's column a wide one, and in one part.
    question.min_age_seconds = -2000;
    question.max_age_seconds = 500'000;
    std::erase_if(all, [](int64_t age) { return age >= 500'000; });
    const auto part = fleet.engine().GetTable(question);
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_EQ((std::vector<int64_t>{part->total_median_ages[0], part->total_oldest_ages[0]}),
              Summary(all));

    // As a row whose oldest is not known beforehand.
    question.rows_by = "cluster";
    const auto by_cluster = fleet.engine().GetTable(question);
    ASSERT_TRUE(by_cluster.ok()) << by_cluster.status();
    EXPECT_EQ((std::vector<int64_t>{by_cluster->median_ages[0], by_cluster->oldest_ages[0]}),
              Summary(all));
  }
}

// What most relays have is what the sums have without the others; the oldest of all may be
// either's.
TEST(AgeSummaryTest, TheOldestMayBeAmongThoseThatAreTakenOff) {
  test::RandomSource random(test::FirstSeed());
  for (const int64_t oldest_of_few : {10, 20'000, 90'000, 900'000}) {
    SCOPED_TRACE(oldest_of_few);
    test::ManualClock clock;
    FakeFleet fleet(&clock, 2);
    std::vector<std::vector<int64_t>> ages(2);
    for (int relay = 0; relay < 8; ++relay) {
      FakeRelay one = FakeFleet::Relay("h" + std::to_string(relay));
      const size_t group = relay < 7 ? 0 : 1;
      one.description.labels["role"] = group == 0 ? "most" : "others";
      for (int i = 0; i < 6000; ++i) {
        const int64_t age = random.Between(0, group == 0 ? 80'000 : oldest_of_few);
        one.cells.insert({kQueue, kAxis, "n" + std::to_string(i % 50), clock.NowSeconds() - age});
        ages[group].push_back(age);
      }
      fleet.Add(one);
    }
    TableQuestion question;
    question.queues = {kQueue};
    question.max_rows = 1;
    question.ages = true;
    question.comparison = Comparison{"role", {"most", "others"}};
    const auto answer = fleet.engine().GetTable(question);
    ASSERT_TRUE(answer.ok()) << answer.status();
    for (size_t group = 0; group < 2; ++group) {
      EXPECT_EQ((std::vector<int64_t>{answer->total_median_ages[group],
                                      answer->total_oldest_ages[group]}),
                Summary(ages[group]));
    }
  }
}

// What is known of the rows below is known of their parents.
TEST(AgeSummaryTest, AParentHasTheAgesOfManyMessagesBelow) {
  test::RandomSource random(test::FirstSeed());
  test::ManualClock clock;
  FakeFleet fleet(&clock);
  FakeRelay relay = FakeFleet::Relay("h");
  std::vector<int64_t> all;
  for (int i = 0; i < 9000; ++i) {
    const int64_t age = random.Between(0, 300'000);
    const char* const name = i % 3 == 0 ? "a.b.example" : "c.b.example";
    relay.cells.insert({kQueue, kAxis, name, clock.NowSeconds() - age});
    all.push_back(age);
  }
  fleet.Add(relay);
  TableQuestion question;
  question.queues = {kQueue};
  question.rows.parents = true;
  question.rows.min_subdomains = 1;
  question.ages = true;
  const auto answer = fleet.engine().GetTable(question);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const auto parent = std::find(answer->names.begin(), answer->names.end(), ".b.example");
  ASSERT_NE(parent, answer->names.end());
  const auto row = static_cast<size_t>(parent - answer->names.begin());
  EXPECT_EQ((std::vector<int64_t>{answer->median_ages[row], answer->oldest_ages[row]}),
            Summary(all));
}

}  // namespace
}  // namespace fleetqshape
