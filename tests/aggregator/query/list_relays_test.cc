// QueryEngine::ListRelays and CountRelays.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/query/query_engine.h"
#include "tests/support/manual_clock.h"
#include "tests/support/relay_facts.h"

namespace fleetqshape {
namespace {

using test::FileCountsOf;
using test::SettingsOf;
using test::TextOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Messages = std::array<uint64_t, kAllQueues.size()>;

class ListRelaysTest : public ::testing::Test {
 protected:
  // Adds a relay that was heard of just now and reported an empty state.
  RelayId Add(const RelayIdentity& identity,
              const std::map<std::string, std::string>& labels = {}) {
    const RelayId relay = AddSilent(identity, labels);
    SetState(relay, EmptyRelayState());
    return relay;
  }
  // Adds one that never reported a state.
  RelayId AddSilent(const RelayIdentity& identity,
                    const std::map<std::string, std::string>& labels = {}) {
    const RelayId relay = ++last_;
    fleet_.Describe(relay, std::make_shared<const RelayDescription>(
                               RelayDescription{identity, labels, "0.1.0"}));
    fleet_.Heard(relay, clock_.Now(), 0);
    return relay;
  }
  void SetState(RelayId relay, const std::shared_ptr<RelayState>& state) {
    state->epoch = 1;
    state->sequence = 1;
    fleet_.SetState(relay, state);
  }

  std::vector<RelayStatus> List(const Selection& selection = {}) const {
    const auto list = engine_.ListRelays(selection);
    EXPECT_TRUE(list.ok()) << list.status();
    return list.ok() ? list->relays : std::vector<RelayStatus>();
  }
  std::vector<std::string> Names(const Selection& selection = {}) const {
    std::vector<std::string> names;
    for (const RelayStatus& relay : List(selection)) {
      names.push_back(relay.description->identity.ToString());
    }
    return names;
  }
  // Of the only relay.
  Freshness OnlyFreshness() const {
    const auto list = List();
    EXPECT_EQ(list.size(), 1U);
    return list.at(0).freshness;
  }

  test::ManualClock clock_;
  Fleet fleet_;
  QueryEngine engine_{&fleet_, &clock_, {.stale_after_seconds = 60}};
  RelayId last_ = 0;
};

TEST_F(ListRelaysTest, SaysAllThatIsKnownOfARelay) {
  const RelayId relay = Add({"eu", "gw1", "postfix"}, {{"role", "gateway"}});
  const auto state = EmptyRelayState();
  state->settings = std::make_shared<const v1::PostfixSettings>(SettingsOf(5));
  state->files = std::make_shared<const v1::FileCounts>(FileCountsOf(6));
  SetState(relay, state);
  fleet_.SetConnected(relay, true);
  const int64_t heard = clock_.NowMilliseconds() + 1234;
  fleet_.Heard(relay, {heard, clock_.MonotonicMilliseconds()}, 77);
  clock_.AdvanceMilliseconds(5678);
  const auto list = engine_.ListRelays({});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->at_seconds, clock_.NowSeconds());
  ASSERT_EQ(list->relays.size(), 1U);
  const RelayStatus& status = list->relays[0];
  EXPECT_EQ(status.description->identity.ToString(), "eu/gw1/postfix");
  EXPECT_EQ(status.description->labels.at("role"), "gateway");
  EXPECT_EQ(status.description->agent_version, "0.1.0");
  EXPECT_EQ(TextOf(status.settings), TextOf(SettingsOf(5)));
  EXPECT_EQ(TextOf(status.files), TextOf(FileCountsOf(6)));
  EXPECT_EQ(status.heard_milliseconds, heard);
  EXPECT_EQ(status.clock_offset_milliseconds, 77);
  EXPECT_TRUE(status.connected);
  EXPECT_EQ(status.freshness, Freshness::kFresh);
}

TEST_F(ListRelaysTest, WhatNoReportSaidIsUnknown) {
  Add({"eu", "gw1", "postfix"});
  const RelayStatus status = List().at(0);
  EXPECT_EQ(status.settings, nullptr);
  EXPECT_EQ(status.files, nullptr);
  EXPECT_EQ(status.messages, Messages{});
  EXPECT_FALSE(status.connected);
}

// A message with several recipients is one message.
TEST_F(ListRelaysTest, MessagesAreTheArrivalsOfTheSenderAxis) {
  const RelayId relay = Add({"eu", "gw1", "postfix"});
  const auto state = EmptyRelayState();
  const std::vector<std::string_view> names = {"a.example", "b.example"};
  state->names = RelayNames().With(names, &fleet_.names());
  for (size_t i = 0; i < kAllQueues.size(); ++i) {
    for (const Axis axis : kAllAxes) {
      BlockBuilder builder;
      for (uint32_t name = 0; name < 2; ++name) {
        builder.StartName(name);
        const size_t arrivals = axis == Axis::kSenderDomain ? i : i + 10;
        for (size_t k = 0; k < arrivals; ++k) builder.AddArrival(1000);
      }
      state->sections[SectionIndex(kAllQueues[i], axis)] =
          std::make_shared<const Block>(builder.Finish());
    }
  }
  SetState(relay, state);
  EXPECT_EQ(List().at(0).messages, (Messages{0, 2, 4, 6, 8}));
}

TEST_F(ListRelaysTest, RelaysAreSortedByClusterHostAndInstance) {
  Add({"us", "a", "postfix"});
  Add({"eu", "b", "postfix"});
  Add({"eu", "a", "postfix-out"});
  Add({"eu", "a", "postfix"});
  Add({"asia", "z", "postfix"});
  EXPECT_THAT(Names(), ElementsAre("asia/z/postfix", "eu/a/postfix", "eu/a/postfix-out",
                                   "eu/b/postfix", "us/a/postfix"));
}

TEST_F(ListRelaysTest, OnlyRelaysThatMatchAreListed) {
  Add({"eu", "a", "postfix"}, {{"role", "gateway"}, {"rack", "r1"}});
  Add({"eu", "b", "postfix"}, {{"role", "spam"}, {"rack", "r1"}});
  AddSilent({"us", "c", "postfix"}, {{"role", "gateway"}});
  EXPECT_THAT(Names({{"eu"}, {}, {}, {}}), ElementsAre("eu/a/postfix", "eu/b/postfix"));
  EXPECT_THAT(Names({{}, {"b", "c"}, {}, {}}), ElementsAre("eu/b/postfix", "us/c/postfix"));
  EXPECT_THAT(Names({{}, {}, {"gateway"}, {}}), ElementsAre("eu/a/postfix", "us/c/postfix"));
  EXPECT_THAT(Names({{}, {}, {"gateway"}, {{"rack", {"r1"}}}}), ElementsAre("eu/a/postfix"));
}

TEST_F(ListRelaysTest, NoMatchIsNotFoundAndSaysWhatThereIs) {
  EXPECT_EQ(engine_.ListRelays({}).status().code(), absl::StatusCode::kNotFound);
  Add({"eu", "a", "postfix"});
  const absl::Status status = engine_.ListRelays({{}, {"b"}, {}, {}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("there is: a"));
}

TEST_F(ListRelaysTest, FreshnessIsThatOfCoverage) {
  const RelayId relay = AddSilent({"eu", "a", "postfix"});
  EXPECT_EQ(OnlyFreshness(), Freshness::kMissing);
  clock_.AdvanceSeconds(3600);
  EXPECT_EQ(OnlyFreshness(), Freshness::kMissing);
  SetState(relay, EmptyRelayState());
  EXPECT_EQ(OnlyFreshness(), Freshness::kStale);
  fleet_.Heard(relay, clock_.Now(), 0);
  EXPECT_EQ(OnlyFreshness(), Freshness::kFresh);
  clock_.AdvanceMilliseconds(60'999);
  EXPECT_EQ(OnlyFreshness(), Freshness::kFresh);
  clock_.AdvanceMilliseconds(1);
  EXPECT_EQ(OnlyFreshness(), Freshness::kStale);
  fleet_.SetConnected(relay, true);
  EXPECT_EQ(OnlyFreshness(), Freshness::kStale) << "an open stream says nothing by itself";
  fleet_.Heard(relay, clock_.Now(), 0);
  for (const int64_t jump : {86'400, -2 * 86'400}) {
    clock_.JumpSeconds(jump);
    EXPECT_EQ(OnlyFreshness(), Freshness::kFresh) << "no time has passed";
  }
}

TEST_F(ListRelaysTest, CountsRelaysByFreshness) {
  const auto counts = [this] {
    const RelayCounts counted = engine_.CountRelays();
    return std::array{counted.fresh, counted.stale, counted.missing, counted.connected};
  };
  using Counts = std::array<size_t, 4>;
  EXPECT_EQ(counts(), (Counts{0, 0, 0, 0}));
  Add({"eu", "silent", "postfix"});
  clock_.AdvanceSeconds(61);
  const RelayId fresh = Add({"eu", "fresh", "postfix"});
  Add({"us", "fresh", "postfix"});
  AddSilent({"eu", "a", "postfix"});
  AddSilent({"eu", "b", "postfix"});
  AddSilent({"eu", "c", "postfix"});
  fleet_.SetConnected(fresh, true);
  EXPECT_EQ(counts(), (Counts{2, 1, 3, 1}));
  clock_.AdvanceSeconds(61);
  EXPECT_EQ(counts(), (Counts{0, 3, 3, 1}));
}

}  // namespace
}  // namespace fleetqshape
