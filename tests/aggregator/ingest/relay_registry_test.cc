#include "aggregator/ingest/relay_registry.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/aggregator/relay_reports.h"
#include "tests/support/manual_clock.h"

namespace fleetqshape {
namespace {

using test::HelloOf;
using Leaving = RelayRegistry::Leaving;

class RelayRegistryTest : public ::testing::Test {
 protected:
  RelayRegistry::Connection Connect(const std::string& host, uint64_t agent_id = 0,
                                    std::function<void()> on_replaced = nullptr) {
    v1::Hello hello = HelloOf(host);
    hello.set_agent_id(agent_id);
    auto connection = registry_.Connect(hello, "peer", 0, std::move(on_replaced));
    EXPECT_TRUE(connection.ok()) << connection.status();
    return connection.ok() ? *connection : RelayRegistry::Connection();
  }
  std::optional<RelayId> AddStored(RelayId id, const std::string& host, int64_t heard) {
    return registry_.AddStored(id,
                               std::make_shared<const RelayDescription>(
                                   RelayDescription{{"eu", host, "postfix"}, {}, "0.1.0"}),
                               {heard, heard}, 0);
  }

  test::ManualClock clock_;
  Fleet fleet_;
  RelayRegistry registry_{&fleet_, &clock_};
};

TEST_F(RelayRegistryTest, TheLatestConnectionOfAnAgentCounts) {
  int replaced = 0;
  const auto first = Connect("a", 7, [&] { ++replaced; });
  EXPECT_TRUE(registry_.IsLast(first));
  const auto second = Connect("a", 7);
  EXPECT_EQ(second.relay, first.relay);
  EXPECT_EQ(replaced, 1);
  EXPECT_FALSE(registry_.IsLast(first));
  EXPECT_TRUE(registry_.IsLast(second));
  registry_.Disconnect(first);
  EXPECT_TRUE(fleet_.View(second.relay).connected) << "not this one's to say";
  registry_.Disconnect(second);
  EXPECT_FALSE(fleet_.View(second.relay).connected);
  EXPECT_TRUE(registry_.IsLast(second)) << "what it sent before still counts";
}

TEST_F(RelayRegistryTest, AnotherAgentIsRefused) {
  Connect("a", 7);
  for (const uint64_t agent_id : {8, 0}) {
    v1::Hello hello = HelloOf("a");
    hello.set_agent_id(agent_id);
    EXPECT_EQ(registry_.Connect(hello, "peer", 0, nullptr).status().code(),
              absl::StatusCode::kAlreadyExists);
  }
}

TEST_F(RelayRegistryTest, ARelayLeavesInTwoSteps) {
  const auto connection = Connect("a");
  EXPECT_EQ(registry_.BeginLeaving(connection.relay), Leaving::kConnected);
  registry_.Disconnect(connection);
  EXPECT_EQ(registry_.BeginLeaving(connection.relay), Leaving::kBegun);
  EXPECT_EQ(registry_.BeginLeaving(connection.relay), Leaving::kUnknown) << "begun before";
  EXPECT_EQ(registry_.Connect(HelloOf("a"), "peer", 0, nullptr).status().code(),
            absl::StatusCode::kUnavailable);
  registry_.Stay(connection.relay);
  registry_.Disconnect(Connect("a"));
  EXPECT_EQ(registry_.BeginLeaving(connection.relay), Leaving::kBegun);
  registry_.Leave(connection.relay);
  EXPECT_TRUE(fleet_.Snapshot().empty());
  EXPECT_EQ(registry_.BeginLeaving(connection.relay), Leaving::kUnknown);
  registry_.Heard(connection, 0);
  registry_.Disconnect(connection);
  EXPECT_NE(Connect("a").relay, connection.relay);
}

TEST_F(RelayRegistryTest, NumbersOfTheStoreAreTaken) {
  EXPECT_EQ(AddStored(5, "a", 1), std::nullopt);
  registry_.TakeNumber(8);
  EXPECT_EQ(Connect("a").relay, 5U);
  EXPECT_EQ(Connect("b").relay, 9U);
}

TEST_F(RelayRegistryTest, OfTwoThatAreOneTheLaterStays) {
  EXPECT_EQ(AddStored(1, "a", 10), std::nullopt);
  EXPECT_EQ(AddStored(2, "a", 9), 2U);
  EXPECT_EQ(AddStored(3, "a", 11), 1U);
  ASSERT_EQ(fleet_.Snapshot().size(), 1U);
  EXPECT_EQ(Connect("a").relay, 3U);
  EXPECT_EQ(Connect("b").relay, 4U);
}

}  // namespace
}  // namespace fleetqshape
