#include "aggregator/metrics/collector.h"

#include <gtest/gtest.h>

#include <memory>

#include "aggregator/metrics/metrics_text.h"
#include "tests/aggregator/ingest/engine_fixture.h"
#include "tests/aggregator/ingest/fake_store.h"
#include "tests/aggregator/relay_reports.h"

namespace fleetqshape {
namespace {

class CollectorTest : public EngineTest {
 protected:
  void SetUp() override {
    StartOn(&store_);
    sessions_ = std::make_unique<IngestSessions>(engine_.get(), &clock_, IngestLimits());
    query_ = std::make_unique<QueryEngine>(fleet_.get(), &clock_, QueryEngine::Options());
    collector_ = std::make_unique<Collector>(fleet_.get(), engine_.get(), sessions_.get(),
                                             query_.get(), clock_.NowMilliseconds());
  }
  MetricValues Read() const { return collector_->Read(); }

  test::FakeStore store_;
  std::unique_ptr<IngestSessions> sessions_;
  std::unique_ptr<QueryEngine> query_;
  std::unique_ptr<Collector> collector_;
};

TEST_F(CollectorTest, ValuesAreThoseOfTheMoment) {
  const int64_t started = clock_.NowMilliseconds();
  MetricValues none;
  none.started_milliseconds = started;
  EXPECT_EQ(MetricsText(Read()), MetricsText(none));
  const RelayId relay = Connect("a").relay;
  EXPECT_EQ(Read().relays.missing, 1U);
  EXPECT_EQ(Read().relays.connected, 1U);
  ReportWriter writer;
  SubmitSound(relay, writer.Snapshot(9, OneCell(1)));
  SubmitSound(relay, writer.ReportTo({}));
  clock_.AdvanceSeconds(30);
  const MetricValues values = Read();
  EXPECT_EQ(values.engine.reports, 2U);
  EXPECT_EQ(values.engine.snapshots, 1U);
  EXPECT_EQ(values.engine.cells, 2U);
  EXPECT_EQ(values.relays.fresh, 1U);
  EXPECT_EQ(values.started_milliseconds, started);
  Disconnect(relay);
  clock_.AdvanceSeconds(31);
  EXPECT_EQ(Read().relays.fresh, 0U);
  EXPECT_EQ(Read().relays.stale, 1U);
  EXPECT_EQ(Read().relays.connected, 0U);
}

TEST_F(CollectorTest, AFullDiskIsSeenUntilItIsOver) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  SubmitSound(relay, writer.Snapshot(9, OneCell(1)));
  EXPECT_TRUE(Read().store_works);
  const v1::Report report = writer.ReportTo(OneCell(2));
  for (uint64_t turned_away = 1; turned_away <= 3; ++turned_away) {
    store_.AddResult(absl::ResourceExhaustedError("the disk is full"));
    EXPECT_EQ(SubmitAndWait(relay, report).status().code(), absl::StatusCode::kResourceExhausted);
    const MetricValues full = Read();
    EXPECT_FALSE(full.store_works);
    EXPECT_EQ(full.engine.unstored, turned_away);
    EXPECT_EQ(full.engine.failed_batches, turned_away);
    EXPECT_EQ(full.engine.reports, 1U);
    LetRecover();
    EXPECT_TRUE(Read().store_works);
    EXPECT_EQ(Read().engine.recoveries, turned_away);
  }
  SubmitSound(relay, report);
  EXPECT_EQ(Read().engine.unstored, 3U);
  EXPECT_EQ(Read().engine.reports, 2U);
}

// What comes while it is known to be full is not even tried.
TEST_F(CollectorTest, ReportsThatAreTurnedAwayUntriedAreCounted) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  store_.AddResult(absl::ResourceExhaustedError("the disk is full"));
  const v1::Report report = writer.Snapshot(9, OneCell(1));
  for (uint64_t turned_away = 1; turned_away <= 3; ++turned_away) {
    EXPECT_FALSE(SubmitAndWait(relay, report).ok());
    EXPECT_EQ(Read().engine.unstored, turned_away);
  }
  EXPECT_EQ(Read().engine.failed_batches, 1U);
  EXPECT_FALSE(Read().store_works);
}

TEST_F(CollectorTest, ADiskThatHangsHoldsNothingUp) {
  const RelayId relay = Connect("a").relay;
  ReportWriter writer;
  store_.Close();
  const PendingOutcome outcome = Submit(relay, writer.Snapshot(9, OneCell(1)));
  store_.WaitUntilBegun(1);
  EXPECT_EQ(Read().engine.reports, 0U);
  store_.Open();
  EXPECT_TRUE(outcome.Wait().ok());
  EXPECT_EQ(Read().engine.reports, 1U);
}

}  // namespace
}  // namespace fleetqshape
