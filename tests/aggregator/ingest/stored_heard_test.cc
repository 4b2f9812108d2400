// When a relay was heard of, as the store has it. The engine works when it is told to.

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

#include "tests/aggregator/ingest/engine_fixture.h"

namespace fleetqshape {
namespace {

constexpr int64_t kRound = 60;  // seconds; the engine looks so often at what it stored

class StoredHeardTest : public EngineTest {
 protected:
  void SetUp() override {
    LoadFrom(&store_);
    relay_ = Connect("a").relay;
    const PendingOutcome outcome = Submit(relay_, ReportWriter().Snapshot(9, OneCell(1)));
    engine_->RunOnce();
    ASSERT_TRUE(outcome.HasCome());
    EXPECT_TRUE(IsAcknowledgement(outcome.Wait(), 9, 1));
  }
  void Pass(int64_t seconds) {
    clock_.AdvanceSeconds(seconds);
    engine_->RunOnce();
  }
  void BeHeardAndLeave() {
    engine_->Heard(ConnectionOf(relay_), clock_.NowMilliseconds());
    Disconnect(relay_);
  }
  int64_t StoredHeard() const { return store_.records().at(relay_).heard_milliseconds(); }

  test::FakeStore store_;
  RelayId relay_ = 0;
};

TEST_F(StoredHeardTest, IsWrittenAgainIfTheWriteFailed) {
  Pass(kRound);
  BeHeardAndLeave();
  const int64_t heard = clock_.NowMilliseconds();
  store_.AddResult(absl::UnavailableError("an input/output error"));
  Pass(kRound);
  EXPECT_NE(fleet_->problem(), "");
  EXPECT_LT(StoredHeard(), heard);
  Pass(kRound);
  EXPECT_EQ(fleet_->problem(), "");
  EXPECT_EQ(StoredHeard(), heard);
}

// It may have been in a part of the log that was damaged.
TEST_F(StoredHeardTest, IsWrittenAgainAfterARecovery) {
  Pass(kRound);
  BeHeardAndLeave();
  const int64_t heard = clock_.NowMilliseconds();
  Pass(kRound);
  EXPECT_EQ(StoredHeard(), heard);
  const RelayId other = Connect("b").relay;
  store_.AddResult(absl::UnavailableError("an input/output error"));
  const PendingOutcome refused = Submit(other, ReportWriter().Snapshot(9, OneCell(1)));
  engine_->RunOnce();
  EXPECT_FALSE(refused.Wait().ok());
  store_.ForgetHeard(relay_);
  Pass(kRound);
  EXPECT_EQ(StoredHeard(), heard);
}

TEST_F(StoredHeardTest, IsNotThatOfAReportBeforeIt) {
  clock_.AdvanceSeconds(1);
  store_.Close();
  const size_t begun = store_.begun();
  const PendingOutcome outcome = Submit(relay_, ReportWriter().Snapshot(10, OneCell(2)));
  std::thread writing([this] { engine_->RunOnce(); });
  store_.WaitUntilBegun(begun + 1);
  clock_.AdvanceSeconds(1);
  BeHeardAndLeave();
  const int64_t heard = clock_.NowMilliseconds();
  store_.Open();
  writing.join();
  EXPECT_TRUE(IsAcknowledgement(outcome.Wait(), 10, 1));
  EXPECT_LT(StoredHeard(), heard);
  Pass(kRound);
  EXPECT_EQ(StoredHeard(), heard);
}

}  // namespace
}  // namespace fleetqshape
