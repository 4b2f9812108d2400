#include "aggregator/ingest/relay_names.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using Names = std::vector<std::string_view>;

std::vector<std::string> Strings(const RelayNames& table, const FleetNames& names) {
  std::vector<std::string> strings;
  for (const uint32_t id : table.fleet_ids()) strings.emplace_back(names.name(id));
  return strings;
}

TEST(RelayNamesTest, ATableHasItsNamesInOrder) {
  FleetNames names;
  names.Intern("c");
  const RelayNames none;
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(none.fleet_ids().empty());
  const RelayNames two = none.With(Names{"a", "c"}, &names);
  const RelayNames three = two.With(Names{"b"}, &names);
  EXPECT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0], 1U);
  EXPECT_EQ(two[1], 0U);
  EXPECT_EQ(Strings(three, names), (std::vector<std::string>{"a", "c", "b"}));
  EXPECT_EQ(three.With({}, &names), three);
}

TEST(RelayNamesTest, NamesLiveAsLongAsATable) {
  FleetNames names;
  {
    RelayNames table = RelayNames().With(Names{"a", "a.b.c"}, &names);
    RelayNames question = table;
    table = table.With(Names{"d"}, &names);
    table = RelayNames().With(Names{"a"}, &names);  // a new epoch
    EXPECT_EQ(names.Find("d"), std::nullopt);
    EXPECT_EQ(Strings(question, names), (std::vector<std::string>{"a", "a.b.c"}));
    question = RelayNames();
    EXPECT_EQ(names.Find("a.b.c"), std::nullopt);
    EXPECT_EQ(names.size(), 1U);
  }
  EXPECT_EQ(names.size(), 0U);
}

TEST(RelayNamesTest, ATableHoldsSharedNames) {
  auto names = std::make_shared<FleetNames>();
  const RelayNames table = RelayNames().With(Names{"a"}, names.get());
  const std::weak_ptr<const FleetNames> held = names;
  names.reset();
  ASSERT_FALSE(held.expired());
  EXPECT_EQ(held.lock()->name(table[0]), "a");
}

TEST(RelayNamesTest, WhatDidNotBecomePartOfTheStateLeaves) {
  FleetNames names;
  RelayNames state = RelayNames().With(Names{"a"}, &names);
  for (int i = 0; i < 3; ++i) state.With(Names{"failed", "too"}, &names);
  EXPECT_EQ(names.Find("failed"), std::nullopt);
  EXPECT_EQ(names.size(), 1U);
  state = state.With(Names{"b"}, &names);
  EXPECT_EQ(Strings(state, names), (std::vector<std::string>{"a", "b"}));
}

TEST(RelayNamesTest, TwoThatWereMadeOfOneDoNotMind) {
  FleetNames names;
  RelayNames state = RelayNames().With(Names{"a"}, &names);
  RelayNames one = state.With(Names{"b"}, &names);
  RelayNames other = state.With(Names{"c", "d"}, &names);
  state = RelayNames();
  EXPECT_EQ(Strings(one, names), (std::vector<std::string>{"a", "b"}));
  one = RelayNames();
  EXPECT_EQ(Strings(other, names), (std::vector<std::string>{"a", "c", "d"}));
  EXPECT_EQ(names.Find("b"), std::nullopt);
  other = RelayNames();
  EXPECT_EQ(names.size(), 0U);
}

TEST(RelayNamesTest, AreWhatAModelSays) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(50); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    FleetNames names(seed);
    using Held = std::pair<RelayNames, std::vector<std::string>>;
    {
      std::vector<Held> states(3);
      std::deque<Held> questions;
      for (int step = 0; step < 200; ++step) {
        Held& state = states[static_cast<size_t>(random.Between(0, 2))];
        if (random.OneIn(3)) questions.push_back(state);
        if (random.OneIn(3) && !questions.empty()) questions.pop_front();
        Held next = random.OneIn(15) ? Held() : state;
        std::vector<std::string> added;
        for (int64_t left = random.Between(0, 8); left > 0; --left) {
          added.push_back("n" + std::to_string(random.Between(0, 60)));
        }
        next.first = next.first.With(Names(added.begin(), added.end()), &names);
        next.second.insert(next.second.end(), added.begin(), added.end());
        EXPECT_EQ(Strings(next.first, names), next.second);
        if (random.OneIn(10)) questions.push_back(next);  // kept, whatever becomes of it
        if (!random.OneIn(4)) state = std::move(next);
        for (const auto& [table, strings] : states) ASSERT_EQ(Strings(table, names), strings);
        for (const auto& [table, strings] : questions) ASSERT_EQ(Strings(table, names), strings);
      }
    }
    EXPECT_EQ(names.size(), 0U);
  }
}

// One thread makes tables, and drops some at once, as an engine does; others read them for a while.
TEST(RelayNamesTest, ReadersHoldOldTables) {
  FleetNames names;
  {
    Mutex mutex;
    RelayNames current;
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 3; ++reader) {
      readers.emplace_back([&] {
        while (!done) {
          RelayNames mine;
          {
            MutexLock lock(mutex);
            mine = current;
          }
          for (size_t i = 0; i < mine.size(); ++i) {
            wrong += names.name(mine[i]) != "n" + std::to_string(i);
          }
        }
      });
    }
    RelayNames state;
    for (int step = 0; step < 3000; ++step) {
      if (step % 500 == 0) state = RelayNames();
      state.With(Names{"failed", "too"}, &names);
      const std::string name = "n" + std::to_string(state.size());
      state = state.With(Names{name}, &names);
      MutexLock lock(mutex);
      current = state;
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(Strings(state, names).back(), "n499");
  }
  EXPECT_EQ(names.size(), 0U);
}

}  // namespace
}  // namespace fleetqshape
