#include "simulator/traffic/simulated_relay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/named_cells.h"

namespace fleetqshape {
namespace {

constexpr int64_t kStart = 1'700'000'000;
constexpr Destinations::Options kAllWell = {
    .dead = 0, .forged_dead = 0, .outages = 0, .greylisting = 0};
constexpr Destinations::Options kAllOut = {.outages = 1};

class SimulatedRelayTest : public ::testing::Test {
 protected:
  // A relay that started at kStart.
  SimulatedRelay MakeRelay(const Destinations& destinations, RelayPlan plan,
                           QueueSettings settings = {}) {
    if (plan.seed == 0) plan.seed = 5;
    SimulatedRelay relay({&domains_, &destinations, settings}, plan, [](const Cell&, int64_t) {});
    Random random(1);
    relay.Fill(kStart, destinations.DrawOut(domains_, kStart, 1000, &random));
    return relay;
  }

  const Domains domains_{{.count = 5000}};
  const Destinations usual_{{}};
  const Destinations well_{kAllWell};
  const Destinations out_{kAllOut};
};

TEST_F(SimulatedRelayTest, TheSameAgain) {
  const RelayPlan plan = {.seed = 9, .messages = 2000, .rate = 5};
  SimulatedRelay one = MakeRelay(usual_, plan);
  SimulatedRelay two = MakeRelay(usual_, plan);
  EXPECT_EQ(one.queue().digest(), two.queue().digest());
  one.AdvanceTo(kStart + 1200);
  for (int64_t t = kStart; t <= kStart + 1200; t += 7) two.AdvanceTo(t);
  two.AdvanceTo(kStart + 1200);
  EXPECT_EQ(one.queue().digest(), two.queue().digest());
  EXPECT_EQ(test::CellsOfModel(one.queue()), test::CellsOfModel(two.queue()));
  const SimulatedRelay other = MakeRelay(usual_, {.seed = 10, .messages = 2000, .rate = 5});
  EXPECT_NE(other.queue().digest(), two.queue().digest());
}

TEST_F(SimulatedRelayTest, StartsWithItsMessagesMostOfThemDeferred) {
  const SimulatedRelay relay = MakeRelay(usual_, {.messages = 10'000});
  EXPECT_EQ(relay.queue().message_count(), 10'000U);
  EXPECT_GT(relay.queue().message_count(Queue::kDeferred), 8500U);
  EXPECT_GT(relay.queue().message_count(Queue::kActive), 100U);
  EXPECT_GT(relay.queue().message_count(Queue::kIncoming), 10U);
  EXPECT_GT(relay.queue().message_count(Queue::kHold), 10U);
}

TEST_F(SimulatedRelayTest, TellsOfEachChange) {
  std::map<std::pair<std::string, int64_t>, int64_t> told;  // deferred recipients
  const SimulatedQueue* queue = nullptr;
  SimulatedRelay relay(
      {&domains_, &usual_, {}}, {.seed = 3, .messages = 500, .rate = 3},
      [&](const Cell& cell, int64_t change) {
        if (cell.queue == Queue::kDeferred && cell.axis == Axis::kRecipientDomain) {
          told[{std::string(queue->Name(cell.name_id)), cell.arrival}] += change;
        }
      });
  queue = &relay.queue();
  Random random(1);
  relay.Fill(kStart, usual_.DrawOut(domains_, kStart, 1000, &random));
  relay.AdvanceTo(kStart + 2000);
  test::NamedCells cells;
  for (const auto& [what, times] : told) {
    ASSERT_GE(times, 0);
    for (int64_t i = 0; i < times; ++i) {
      cells.insert({Queue::kDeferred, Axis::kRecipientDomain, what.first, what.second});
    }
  }
  test::NamedCells held;
  test::AddBlock(
      Queue::kDeferred, Axis::kRecipientDomain,
      queue->MakeBlock(Queue::kDeferred, Axis::kRecipientDomain),
      [&](uint32_t id) { return queue->Name(id); }, &held);
  EXPECT_EQ(cells, held);
  EXPECT_EQ(queue->digest(), test::DigestOf(test::CellsOfModel(*queue)));
}

TEST_F(SimulatedRelayTest, MailComesInAtItsRate) {
  // What cannot be delivered stays.
  double arrived = 0;
  constexpr int kRelays = 100;
  for (uint64_t seed = 1; seed <= kRelays; ++seed) {
    SimulatedRelay relay = MakeRelay(out_, {.seed = seed, .role = Role::kSpamRelay, .rate = 2});
    relay.AdvanceTo(kStart + 600);
    arrived += static_cast<double>(relay.queue().message_count());
  }
  EXPECT_NEAR(arrived / (kRelays * 600.0), 2, 0.3);
}

TEST_F(SimulatedRelayTest, WhatDestinationsTakeIsGone) {
  SimulatedRelay relay = MakeRelay(well_, {.messages = 1000});
  relay.AdvanceTo(kStart + 3 * 3600);
  EXPECT_EQ(relay.queue().message_count(Queue::kDeferred), 0U);
  EXPECT_EQ(relay.queue().message_count(), relay.queue().message_count(Queue::kHold));
  EXPECT_LT(relay.queue().message_count(), 50U);
}

TEST_F(SimulatedRelayTest, AnOutageFillsDeferred) {
  // The same mail; for the second relay all domains are out for some hours, but not the largest
  // ones for ever.
  const RelayPlan plan = {.role = Role::kSpamRelay, .rate = 5};
  SimulatedRelay without = MakeRelay(well_, plan);
  SimulatedRelay with = MakeRelay(out_, plan);
  without.AdvanceTo(kStart + 600);
  with.AdvanceTo(kStart + 600);
  EXPECT_LT(without.queue().message_count(Queue::kDeferred), 10U);
  EXPECT_GT(with.queue().message_count(Queue::kDeferred), 1500U);
}

TEST_F(SimulatedRelayTest, GreylistedMailGoesWithItsSecondAttempt) {
  const Destinations greylisting({.dead = 0, .forged_dead = 0, .outages = 0, .greylisting = 1});
  SimulatedRelay relay = MakeRelay(greylisting, {.role = Role::kSpamRelay, .rate = 5});
  relay.AdvanceTo(kStart + 200);
  EXPECT_GT(relay.queue().message_count(Queue::kDeferred), 500U);
  relay.AdvanceTo(kStart + 3600);
  // Each waits for 300 s, and then for the queue run.
  EXPECT_LT(relay.queue().message_count(Queue::kDeferred), 5 * 700U);
}

TEST_F(SimulatedRelayTest, RetriesFollowTheBackoff) {
  SimulatedRelay relay = MakeRelay(out_, {.messages = 300});
  const SimulatedQueue& queue = relay.queue();
  std::map<uint32_t, int64_t> due;  // by index: of those that were deferred here
  int retries = 0;
  std::vector<Queue> before(queue.end());
  for (uint32_t i = 0; i < queue.end(); ++i) before[i] = queue.At(i).queue;
  for (int64_t now = kStart + 1; now < kStart + 6 * 3600; ++now) {
    relay.AdvanceTo(now);
    for (uint32_t i = 0; i < before.size(); ++i) {
      if (!queue.At(i).is_there || queue.At(i).queue == before[i]) continue;
      before[i] = queue.At(i).queue;
      if (before[i] == Queue::kDeferred) {
        const int64_t age = now - queue.At(i).arrival;
        due[i] = now + std::clamp<int64_t>(age, 300, 4000);
      } else if (due.contains(i) && before[i] == Queue::kActive) {
        EXPECT_GE(now, due[i]);
        EXPECT_LE(now, due[i] + 300) << "the next queue run";
        due.erase(i);
        ++retries;
      }
    }
  }
  EXPECT_GT(retries, 300 * 4);
}

TEST_F(SimulatedRelayTest, ActiveHoldsNoMoreThanItsLimit) {
  SimulatedRelay relay = MakeRelay(out_, {.role = Role::kSpamRelay, .messages = 500, .rate = 50},
                                   {.active_limit = 100});
  bool was_full = false;
  for (int64_t now = kStart; now < kStart + 600; ++now) {
    relay.AdvanceTo(now);
    ASSERT_LE(relay.queue().message_count(Queue::kActive), 100U);
    was_full |= relay.queue().message_count(Queue::kActive) == 100;
  }
  EXPECT_TRUE(was_full);
  EXPECT_GT(relay.queue().message_count(Queue::kIncoming), 1000U) << "what finds no room";
}

TEST_F(SimulatedRelayTest, WhatIsTooOldIsReturnedOnceAndThenGone) {
  SimulatedRelay relay =
      MakeRelay(out_, {.messages = 300}, {.maximal_queue_lifetime_seconds = 7200});
  relay.AdvanceTo(kStart + 7200 + 4800);
  const uint64_t messages = relay.queue().message_count();
  ASSERT_GT(messages, 100U);
  uint64_t from_nobody = 0;
  for (uint32_t i = 0; i < relay.queue().end(); ++i) {
    const SimulatedQueue::Message& message = relay.queue().At(i);
    if (!message.is_there || message.queue == Queue::kHold) continue;
    from_nobody += relay.queue().DomainOf(message.sender) == kMailerDaemon ? 1 : 0;
  }
  EXPECT_GE(from_nobody, messages - relay.queue().message_count(Queue::kHold) - 20);
  relay.AdvanceTo(kStart + 90'000);
  EXPECT_LT(relay.queue().message_count(), 20U);
}

TEST_F(SimulatedRelayTest, ADictionaryAttackLeavesBouncesToForgedDomains) {
  // Only forged domains take no mail.
  const Destinations destinations({.dead = 0, .forged_dead = 1, .outages = 0, .greylisting = 0});
  uint64_t bounces = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimulatedRelay relay =
        MakeRelay(destinations, {.seed = seed, .role = Role::kGateway, .rate = 0.5});
    relay.AdvanceTo(kStart + 4 * 3600);
    for (uint32_t i = 0; i < relay.queue().end(); ++i) {
      const SimulatedQueue::Message& message = relay.queue().At(i);
      if (!message.is_there || message.queue != Queue::kDeferred) continue;
      const bool forged = relay.queue().DomainOf(message.domains[0]) >= kFirstForged;
      EXPECT_TRUE(forged);
      bounces += forged && relay.queue().DomainOf(message.sender) == kMailerDaemon ? 1 : 0;
    }
  }
  EXPECT_GT(bounces, 250U);
}

}  // namespace
}  // namespace fleetqshape
