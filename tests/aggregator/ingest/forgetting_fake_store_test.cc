// Relays that are forgotten while their store takes its time, or fails.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "tests/aggregator/ingest/engine_fixture.h"

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

// The engine in its thread, with a store that does as it is told.
class ForgettingOnFakeStoreTest : public EngineTest {
 protected:
  void SetUp() override { StartOn(&store_); }

  RelayId AddGone(const std::string& host) {
    const RelayId relay = Connect(host).relay;
    SubmitSound(relay, ReportWriter().Snapshot(9, OneCell(1)));
    Disconnect(relay);
    return relay;
  }

  test::FakeStore store_;
};

TEST_F(ForgettingOnFakeStoreTest, AnAgentThatComesMeanwhileIsAskedToTryAgain) {
  const RelayId relay = AddGone("a");
  const size_t begun = store_.begun();
  store_.Close();
  std::promise<size_t> forgotten;
  engine_->Forget({relay}, [&](const auto& done) {
    forgotten.set_value(done.ok() ? done->forgotten.size() : 0);
  });
  store_.WaitUntilBegun(begun + 1);
  const auto refused = engine_->Connect(HelloOf("a"), "peer", 0);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("being forgotten"));
  EXPECT_EQ(Cells(relay), OneCell(1)) << "answers have it until it is gone from the disk";
  store_.Open();
  EXPECT_EQ(forgotten.get_future().get(), 1U);
  EXPECT_NE(Connect("a").relay, relay);
}

TEST_F(ForgettingOnFakeStoreTest, WhenTheStoreFailsARelayStaysAsItWas) {
  const RelayId relay = AddGone("a");
  for (int i = 0; i < 2; ++i) {  // when it fails, and while it does
    if (i == 0) store_.AddResult(absl::ResourceExhaustedError("no space left"));
    std::promise<absl::Status> result;
    engine_->Forget({relay}, [&](const auto& done) { result.set_value(done.status()); });
    EXPECT_EQ(result.get_future().get().code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(Cells(relay), OneCell(1));
  EXPECT_EQ(engine_->counters().forgotten, 0U);
  LetRecover();
  const auto connection = Connect("a");
  EXPECT_EQ(connection.relay, relay);
  EXPECT_EQ(connection.welcome.welcome().epoch(), 9U);
}

}  // namespace
}  // namespace fleetqshape
