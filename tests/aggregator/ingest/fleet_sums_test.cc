#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/ingest/fleet.h"
#include "tests/aggregator/ingest/fleet_sums_check.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::RandomSource;

constexpr size_t kNames = 300;

class FleetSumsTest : public ::testing::Test {
 protected:
  void Describe(RelayId id) {
    auto description = std::make_shared<RelayDescription>();
    description->identity = {"eu", "h" + std::to_string(id), "postfix"};
    fleet_.Describe(id, description);
  }

  // Names of all relays, in an order of the relay's own. One has two ids.
  RelayNames Names(RelayId id) {
    std::vector<std::string> names;
    for (size_t i = 0; i + 1 < kNames; ++i) {
      names.push_back("n" + std::to_string((i * 7 + id) % (kNames - 1)));
    }
    names.push_back("n3");
    return RelayNames().With(std::vector<std::string_view>(names.begin(), names.end()),
                             &fleet_.names());
  }

  static Block RandomBlock(RandomSource& random) {
    BlockBuilder builder;
    for (uint32_t name = 0; name < kNames; ++name) {
      if (random.OneIn(2)) continue;
      std::vector<int64_t> arrivals;
      for (int64_t left = random.Between(1, random.OneIn(20) ? 400 : 5); left > 0; --left) {
        arrivals.push_back(random.OneIn(100) ? random.Between(-5000, 5000)
                                             : 1'700'000'000 + random.Between(0, 9000));
      }
      std::sort(arrivals.begin(), arrivals.end());
      builder.StartName(name);
      for (const int64_t arrival : arrivals) builder.AddArrival(arrival);
    }
    return builder.Finish();
  }

  std::shared_ptr<RelayState> RandomState(RandomSource& random, RelayId id) {
    const std::shared_ptr<RelayState> state = EmptyRelayState();
    state->names = Names(id);
    for (auto& section : state->sections) {
      if (random.OneIn(2)) section = std::make_shared<const Block>(RandomBlock(random));
    }
    return state;
  }

  // Gains something, and loses every other name's first arrival.
  static BlockDelta RandomDelta(RandomSource& random, const Block& block) {
    BlockBuilder lost;
    for (size_t i = 0; i < block.name_ids.size(); i += 2) {
      lost.StartName(block.name_ids[i]);
      lost.AddArrival(block.arrivals[block.offsets[i]]);
    }
    return {RandomBlock(random), lost.Finish()};
  }

  // A relay comes, goes, gets another state, or one that a change leads to.
  void ChangeSomething(RandomSource& random) {
    const auto id = static_cast<RelayId>(random.Between(1, 4));
    Describe(id);
    if (random.OneIn(6)) {
      fleet_.Remove(id);
    } else if (random.OneIn(3)) {
      fleet_.SetState(id, RandomState(random, id));
    } else {
      ApplyChange(random, id);
    }
  }

  void ApplyChange(RandomSource& random, RelayId id) {
    StateChange change;
    change.before = fleet_.View(id).state;
    const auto next = std::make_shared<RelayState>(*change.before);
    if (next->names.empty()) next->names = Names(id);
    for (size_t section = 0; section < kSectionCount; ++section) {
      if (random.OneIn(2)) continue;
      BlockDelta delta = RandomDelta(random, *next->sections[section]);
      auto block = ApplyDelta(*next->sections[section], delta);
      ASSERT_TRUE(block.ok()) << block.status();
      next->sections[section] = std::make_shared<const Block>(*std::move(block));
      change.sections.emplace_back(section, std::move(delta));
    }
    // The state may be another one by now: then the change says nothing.
    if (random.OneIn(4)) fleet_.SetState(id, RandomState(random, id));
    fleet_.SetState(id, next, change);
  }

  Fleet fleet_;
};

TEST_F(FleetSumsTest, AreThoseOfAllStatesWhateverHappensToThem) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(30); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    RandomSource random(seed);
    for (int step = 0; step < 30; ++step) ChangeSomething(random);
    test::ExpectSumsOfStates(fleet_);
    if (HasFailure()) return;
  }
}

TEST_F(FleetSumsTest, NothingIsLeftWhenAllRelaysAreGone) {
  RandomSource random(1);
  for (RelayId id = 1; id <= 3; ++id) {
    Describe(id);
    fleet_.SetState(id, RandomState(random, id));
  }
  for (RelayId id = 1; id <= 3; ++id) fleet_.Remove(id);
  fleet_.Remove(7);
  for (size_t section = 0; section < kSectionCount; ++section) {
    FleetSums sums;
    EXPECT_TRUE(fleet_.Snapshot({&section, 1}, &sums).empty());
    EXPECT_EQ(sums.arrivals, 0U);
    EXPECT_EQ(sums.names.at(0).end(), 0U) << "the memory of pages without counts is given back";
  }
}

// A question keeps its sums while reports change them.
TEST_F(FleetSumsTest, SumsThatWereTakenDoNotChange) {
  RandomSource random(2);
  Describe(1);
  fleet_.SetState(1, RandomState(random, 1));
  std::vector<size_t> sections(kSectionCount);
  std::iota(sections.begin(), sections.end(), 0);
  FleetSums before;
  fleet_.Snapshot(sections, &before);
  const auto numbers = [&before] {
    std::vector<uint64_t> all;
    for (const ArrivalCounts& seconds : before.seconds) {
      all.push_back(seconds.CountNotBefore(1'700'000'500));
    }
    for (const NameCounts& names : before.names) {
      std::vector<uint64_t> sums(names.end(), 0);
      names.AddTo(0, absl::MakeSpan(sums));
      all.insert(all.end(), sums.begin(), sums.end());
    }
    return all;
  };
  const std::vector<uint64_t> counts = numbers();
  for (int i = 0; i < 5; ++i) fleet_.SetState(1, RandomState(random, 1));
  EXPECT_EQ(numbers(), counts);
  EXPECT_GT(std::accumulate(counts.begin(), counts.end(), uint64_t{0}), 0U);
  test::ExpectSumsOfStates(fleet_);
}

TEST_F(FleetSumsTest, AreOfOneMomentWithTheStatesWhileReportsCome) {
  const uint64_t seed = test::FirstSeed();
  SCOPED_TRACE(test::SeedTrace(seed));
  std::atomic<bool> ended = false;
  const auto ask = [&] {
    do {
      test::ExpectSumsOfStates(fleet_);
    } while (!ended && !HasFailure());
  };
  std::array<std::thread, 2> questions = {std::thread(ask), std::thread(ask)};
  RandomSource random(seed);
  for (int step = 0; step < 300; ++step) ChangeSomething(random);
  ended = true;
  for (std::thread& thread : questions) thread.join();
}

}  // namespace
}  // namespace fleetqshape
