#include "simulator/traffic/domains.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "common/base/printable.h"
#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

std::string NameOf(const Domains& domains, DomainId id) {
  std::string scratch;
  return std::string(domains.Name(id, &scratch));
}

TEST(DomainsTest, NamesAreDifferentAndTheSameAgain) {
  const Domains domains({.count = 600'000});
  const Domains fewer({.count = 1000});
  std::set<std::string> names;
  for (DomainId id = 0; id <= domains.count(); ++id) {
    const std::string name = NameOf(domains, id);
    EXPECT_TRUE(names.insert(name).second) << name;
    ASSERT_EQ(domains.Hash(id), NameHash(name));
    if (id <= fewer.count()) {
      EXPECT_EQ(NameOf(fewer, id), name);
    }
  }
  EXPECT_EQ(NameOf(domains, kMailerDaemon), "MAILER-DAEMON");
  EXPECT_EQ(NameOf(domains, 1), "gmail.example");
}

TEST(DomainsTest, ForgedNamesAreNobodyElses) {
  const Domains domains({.count = 1000});
  std::set<std::string> names;
  for (DomainId id = 0; id <= domains.count(); ++id) names.insert(NameOf(domains, id));
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const DomainId id = domains.DrawForged(&random);
    ASSERT_GE(id, kFirstForged);
    EXPECT_TRUE(names.insert(NameOf(domains, id)).second);
    EXPECT_EQ(domains.Hash(id), NameHash(NameOf(domains, id)));
  }
}

TEST(DomainsTest, NobodyForgesNamesIfTheyAreNotWanted) {
  const Domains domains({.count = 1000, .no_forged = true});
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const DomainId id = domains.DrawForged(&random);
    ASSERT_GE(id, 1U);
    ASSERT_LE(id, domains.count());
  }
}

TEST(DomainsTest, SomeParentsHaveEnoughSubdomainsToBeShown) {
  const Domains domains({.count = 1000});
  std::map<std::string, int> children;
  for (DomainId id = 1; id <= domains.count(); ++id) {
    const std::string name = NameOf(domains, id);
    ++children[name.substr(name.find('.'))];
  }
  int shown = 0;
  for (const auto& [parent, count] : children) shown += count >= 5 ? 1 : 0;
  EXPECT_GT(shown, 20);
}

TEST(DomainsTest, OddNamesOnlyIfAskedFor) {
  const auto odd = [](bool asked) {
    const Domains domains({.count = 1000, .odd_names = asked});
    int count = 0;
    for (DomainId id = 0; id <= domains.count(); ++id) {
      const std::string name = NameOf(domains, id);
      count += PrintableName(name) != name ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(odd(false), 0);
  EXPECT_GE(odd(true), 4);
}

TEST(DomainsTest, DrawsByZipfsLaw) {
  const Domains domains({.count = 10'000});
  Random random(7);
  std::map<DomainId, int> drawn;
  constexpr int kDraws = 200'000;
  for (int i = 0; i < kDraws; ++i) ++drawn[domains.Draw(&random)];
  EXPECT_GE(drawn.begin()->first, 1U);
  EXPECT_LE(drawn.rbegin()->first, domains.count());
  // The n-th is drawn about 1/n times as often as the first.
  EXPECT_NEAR(drawn[1], kDraws * 0.125, kDraws * 0.02);
  EXPECT_NEAR(drawn[10], drawn[1] / 11.2, drawn[1] * 0.02);
  EXPECT_NEAR(drawn[100], drawn[1] / 126.0, drawn[1] * 0.005);
  EXPECT_GT(drawn.size(), 5000U) << "a long tail";
}

}  // namespace
}  // namespace fleetqshape
