#include "aggregator/ingest/fleet_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/shape/address.h"
#include "common/shape/cell_digest.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kNoParent = FleetNames::kNoParent;
constexpr uint32_t kUnknownParent = FleetNames::kUnknownParent;

std::vector<std::string> Chain(const std::string& name) {
  std::vector<std::string> chain;
  for (std::string parent(ParentDomain(name)); !parent.empty(); parent = ParentDomain(parent)) {
    chain.push_back(parent);
  }
  return chain;
}

TEST(FleetNamesTest, EachNameHasOneIdAndItsHash) {
  FleetNames names;
  EXPECT_EQ(names.size(), 0U);
  EXPECT_EQ(names.Intern("a"), 0U);
  EXPECT_EQ(names.Intern(""), 1U);
  EXPECT_EQ(names.Intern(std::string("a\0b", 3)), 2U);
  EXPECT_EQ(names.Intern("a"), 0U);
  EXPECT_EQ(names.size(), 3U);
  EXPECT_EQ(names.name(1), "");
  EXPECT_EQ(names.name(2), std::string("a\0b", 3));
  EXPECT_EQ(names.hash(0), NameHash("a"));
  EXPECT_EQ(names.Find("a"), 0U);
  EXPECT_EQ(names.Find("b"), std::nullopt);
}

TEST(FleetNamesTest, ANameGoesWithItsLastReference) {
  FleetNames names(7);
  const std::vector<std::string_view> few = {"a", "b", "a", "c"};
  std::vector<uint32_t> ids(few.size());
  names.Intern(few, absl::MakeSpan(ids));
  EXPECT_EQ(ids, (std::vector<uint32_t>{0, 1, 0, 2}));
  names.Retain({ids.data() + 1, 1});
  names.Release({0, 1});
  EXPECT_EQ(names.Find("a"), 0U) << "was interned twice";
  EXPECT_EQ(names.Find("b"), 1U) << "was retained";
  names.Release({0});
  EXPECT_EQ(names.Find("a"), std::nullopt);
  EXPECT_EQ(names.Intern("d"), 0U) << "the lowest free id";
  EXPECT_EQ(names.name(0), "d");
  names.Release({2});
  EXPECT_EQ(names.size(), 2U);
  names.Release({0, 1});
  EXPECT_EQ(names.size(), 0U);
}

TEST(FleetNamesTest, NamesStayWhereTheyAre) {
  FleetNames names;
  const std::string_view first = names.name(names.Intern("first"));
  for (int i = 0; i < 10'000; ++i) names.Intern("name" + std::to_string(i));
  EXPECT_EQ(names.name(0).data(), first.data());
  EXPECT_EQ(first, "first");
}

TEST(FleetNamesTest, IdsStayDense) {
  FleetNames names;
  std::vector<uint32_t> ids;
  for (int i = 0; i < 50'000; ++i) ids.push_back(names.Intern(std::to_string(i)));
  EXPECT_EQ(names.size(), 50'000U);
  // The pages in the middle are free, and so is half of the first one.
  names.Release({ids.data() + 10, 2000});
  names.Release({ids.data() + 5000, 40'000});
  EXPECT_EQ(names.size(), 50'000U);
  std::set<uint32_t> again;
  for (int i = 0; i < 42'000; ++i) again.insert(names.Intern("again" + std::to_string(i)));
  EXPECT_EQ(again.size(), 42'000U);
  EXPECT_EQ(*again.begin(), 10U);
  EXPECT_EQ(names.size(), 50'000U) << "what was freed is used first";
  for (const uint32_t id : again) names.Release({id});
  names.Release({ids.data(), 10});
  names.Release({ids.data() + 2010, 2990});
  names.Release({ids.data() + 45'001, 4999});
  EXPECT_EQ(names.size(), 45'001U);
  EXPECT_EQ(names.name(ids[45'000]), "45000");
}

TEST(FleetNamesTest, NamesOfSendersAloneHavePagesOfTheirOwn) {
  constexpr uint32_t kPage = NamePages::kIdsOfPage;
  constexpr auto kRecipients = NameUse::kRecipients;
  constexpr auto kSendersOnly = NameUse::kSendersOnly;
  FleetNames names;
  const auto intern = [&names](const std::vector<std::string>& wanted,
                               const std::vector<NameUse>& uses) {
    const std::vector<std::string_view> views(wanted.begin(), wanted.end());
    std::vector<uint32_t> ids(wanted.size());
    names.Intern(views, absl::MakeSpan(ids), uses);
    return ids;
  };
  const std::vector<uint32_t> first =
      intern({"s1", "r1", "s2.a.b", "r2"}, {kSendersOnly, kRecipients, kSendersOnly, kRecipients});
  EXPECT_EQ(first, (std::vector<uint32_t>{0, kPage, 2, kPage + 1}));
  EXPECT_EQ(names.parent(first[2]), 1U) << "a parent stands beside its child";
  EXPECT_EQ(intern({"s1", "r3"}, {kRecipients, kRecipients}), (std::vector<uint32_t>{0, kPage + 2}))
      << "a name keeps its id";
  // A page that is free is for either use.
  for (const uint32_t id : {first[0], first[0], first[2]}) names.Release({id});
  const std::vector<uint32_t> more = intern({"s3"}, {kSendersOnly});
  EXPECT_EQ(more[0], 0U);
  names.Release(more);
  std::vector<uint32_t> many;
  for (uint32_t i = 0; i < kPage; ++i) many.push_back(names.Intern("r" + std::to_string(10 + i)));
  EXPECT_EQ(many.front(), 0U) << "low ids first";
  EXPECT_EQ(names.size(), 2 * kPage - (kPage - 3));
}

TEST(FleetNamesTest, AFreePlaceInAFullPageIsForItsUse) {
  constexpr uint32_t kPage = NamePages::kIdsOfPage;
  FleetNames names;
  const auto intern_sender = [&names](const std::string& name) {
    const std::string_view view = name;
    const NameUse use = NameUse::kSendersOnly;
    uint32_t id = 0;
    names.Intern({&view, 1}, {&id, 1}, {&use, 1});
    return id;
  };
  for (uint32_t i = 0; i < kPage; ++i) EXPECT_EQ(intern_sender("s" + std::to_string(i)), i);
  const uint32_t free = 7;
  names.Release({&free, 1});
  EXPECT_EQ(names.Intern("r"), kPage);
  EXPECT_EQ(intern_sender("s"), free);
}

TEST(FleetNamesTest, ANameHasItsParent) {
  FleetNames names;
  const uint32_t name = names.Intern("a.b.c.d");
  const uint32_t parent = names.parent(name);
  EXPECT_EQ(names.name(parent), ".b.c.d");
  const uint32_t last = names.parent(parent);
  EXPECT_EQ(names.name(last), ".c.d");
  EXPECT_EQ(names.parent(last), kNoParent);
  EXPECT_EQ(names.ancestor(name), parent);
  EXPECT_EQ(names.ancestor(last), kNoParent);
  EXPECT_EQ(names.parent(names.Intern("x.c.d")), last);
  EXPECT_EQ(names.Intern(".c.d"), last) << "the mail's own name and the parent are one";
  EXPECT_EQ(names.size(), 4U);
  names.Release({name});
  EXPECT_EQ(names.Find(".b.c.d"), std::nullopt);
  EXPECT_EQ(names.Find(".c.d"), last);
}

TEST(FleetNamesTest, ParentsGoWithTheirLastChild) {
  FleetNames names;
  const uint32_t one = names.Intern("1.a.b");
  const uint32_t two = names.Intern("2.a.b");
  names.Release({one});
  EXPECT_EQ(names.name(names.parent(two)), ".a.b");
  names.Release({two});
  EXPECT_EQ(names.size(), 0U);
}

TEST(FleetNamesTest, ADeepNameKnowsItsLastTwoAncestors) {
  FleetNames names;
  const uint32_t name = names.Intern("1.2.a.b.c");
  EXPECT_EQ(names.parent(name), kUnknownParent);
  EXPECT_EQ(names.name(names.ancestor(name)), ".a.b.c");
  EXPECT_EQ(names.name(names.parent(names.ancestor(name))), ".b.c");
  EXPECT_EQ(names.size(), 3U);
  // Where those between are names of the mail, they say the same of themselves.
  const uint32_t between = names.Intern(".2.a.b.c");
  EXPECT_EQ(names.parent(between), names.ancestor(name));
  EXPECT_EQ(names.parent(name), kUnknownParent);
}

// A name of 4,096 bytes has 2,046 ancestors, which would take 4 MB.
TEST(FleetNamesTest, HostileNamesTakeThreePlacesAtMost) {
  FleetNames names;
  std::string name;
  while (name.size() < kMaxReportedNameLength) name += "a.";
  std::vector<uint32_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(names.Intern(name + std::to_string(i)));
  EXPECT_EQ(names.size(), 300U);
  EXPECT_EQ(names.name(names.ancestor(ids[7])), ".a.a.7");
  EXPECT_EQ(names.parent(ids[7]), kUnknownParent);
  names.Release(ids);
  EXPECT_EQ(names.size(), 0U);
}

// A name of a few labels, so that names and parents meet.
std::string RandomName(test::RandomSource& random) {
  std::string name = random.OneIn(4) ? "." : "";
  for (int64_t labels = random.Between(0, 5); labels > 0; --labels) {
    name += static_cast<char>('a' + random.Between(0, 2));
    if (labels > 1 || random.OneIn(8)) name += '.';
  }
  return name;
}

// Names, references to them from outside, and nothing else.
struct ModelOfNames {
  std::map<std::string, int> references;

  void ExpectSame(const FleetNames& names) const {
    std::set<std::string> live;
    for (const auto& [name, count] : references) {
      live.insert(name);
      const std::vector<std::string> chain = Chain(name);
      const size_t kept = std::min<size_t>(chain.size(), 2);
      live.insert(chain.end() - static_cast<ptrdiff_t>(kept), chain.end());
    }
    std::set<uint32_t> ids;
    for (const std::string& name : live) {
      const auto id = names.Find(name);
      ASSERT_TRUE(id.has_value()) << name;
      EXPECT_TRUE(ids.insert(*id).second);
      EXPECT_EQ(names.name(*id), name);
      EXPECT_EQ(names.hash(*id), NameHash(name));
      const std::vector<std::string> chain = Chain(name);
      if (chain.empty()) {
        EXPECT_EQ(names.parent(*id), kNoParent);
        EXPECT_EQ(names.ancestor(*id), kNoParent);
        continue;
      }
      EXPECT_EQ(names.name(names.ancestor(*id)),
                chain[chain.size() - std::min<size_t>(chain.size(), 2)]);
      EXPECT_EQ(names.parent(*id), chain.size() > 2 ? kUnknownParent : names.ancestor(*id));
    }
    EXPECT_EQ(names.size(), ids.empty() ? 0 : *ids.rbegin() + 1);
  }
};

TEST(FleetNamesTest, AreWhatAModelSays) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(20); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    FleetNames names(seed);
    ModelOfNames model;
    for (int round = 0; round < 100; ++round) {
      const bool grows = random.OneIn(2);
      for (int64_t left = random.Between(0, 30); left > 0; --left) {
        if (grows || model.references.empty()) {
          const std::string name = RandomName(random);
          names.Intern(name);
          ++model.references[name];
          continue;
        }
        const auto one =
            std::next(model.references.begin(),
                      random.Between(0, static_cast<int64_t>(model.references.size()) - 1));
        names.Release({*names.Find(one->first)});
        if (--one->second == 0) model.references.erase(one);
      }
      model.ExpectSame(names);
      if (HasFailure()) return;
    }
  }
}

// All of them want the same few names, and let go of them, again and again.
TEST(FleetNamesTest, ThreadsThatComeAndGo) {
  FleetNames names;
  constexpr uint64_t kThreads = 4;
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&names, &wrong, thread] {
      test::RandomSource random(thread);
      for (int round = 0; round < 300; ++round) {
        std::vector<std::string> own;
        for (int64_t left = random.Between(1, 400); left > 0; --left)
          own.push_back(RandomName(random));
        const std::vector<std::string_view> wanted(own.begin(), own.end());
        std::vector<uint32_t> ids(wanted.size());
        names.Intern(wanted, absl::MakeSpan(ids));
        for (size_t i = 0; i < ids.size(); ++i) {
          wrong += names.name(ids[i]) != wanted[i] || names.hash(ids[i]) != NameHash(wanted[i]);
          wrong += names.Find(wanted[i]) != ids[i];
          const uint32_t ancestor = names.ancestor(ids[i]);
          wrong += ancestor != kNoParent && !wanted[i].ends_with(names.name(ancestor));
        }
        if (random.OneIn(2)) names.ReturnMemory();
        names.Release(ids);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(names.size(), 0U);
}

}  // namespace
}  // namespace fleetqshape
