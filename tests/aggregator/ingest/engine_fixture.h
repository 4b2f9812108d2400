// What the tests of the aggregator's end of the report protocol share.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_ENGINE_FIXTURE_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_ENGINE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <string>

#include "aggregator/ingest/ingest_engine.h"
#include "tests/aggregator/ingest/fake_store.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"
#include "tests/support/sections.h"

namespace fleetqshape {

using test::HelloOf;
using test::NamedCells;
using test::PendingOutcome;
using test::ReportWriter;

inline constexpr Queue kQueue = Queue::kDeferred;
inline constexpr Axis kAxis = Axis::kRecipientDomain;

inline NamedCells OneCell(int64_t arrival, const std::string& name = "a") {
  return {{kQueue, kAxis, name, arrival}};
}

inline bool IsAcknowledgement(const IngestEngine::Outcome& outcome, uint64_t epoch,
                              uint64_t sequence) {
  return outcome.ok() && outcome->has_acknowledgement() &&
         outcome->acknowledgement().epoch() == epoch &&
         outcome->acknowledgement().sequence() == sequence;
}

inline bool IsSnapshotRequest(const IngestEngine::Outcome& outcome) {
  return outcome.ok() && outcome->has_snapshot_request() &&
         !outcome->snapshot_request().reason().empty();
}

// What both kinds of tests do with an engine.
class EngineTest : public ::testing::Test {
 protected:
  // Before the store, which is the derived fixture's.
  void TearDown() override { engine_.reset(); }

  // An engine that works when it is told to.
  void LoadFrom(Store* store) {
    fleet_ = std::make_unique<Fleet>();
    engine_ = std::make_unique<IngestEngine>(store, fleet_.get(), &clock_, IngestEngine::Options());
    const absl::Status loaded = engine_->Load();
    ASSERT_TRUE(loaded.ok()) << loaded;
  }
  // One with its thread.
  void StartOn(Store* store) {
    LoadFrom(store);
    engine_->Start();
  }

  IngestEngine::Connection Connect(const std::string& host, int64_t ahead_milliseconds = 0) {
    auto connection = engine_->Connect(HelloOf(host), "peer of " + host,
                                       clock_.NowMilliseconds() + ahead_milliseconds);
    EXPECT_TRUE(connection.ok()) << connection.status();
    if (!connection.ok()) return {};
    connections_[connection->relay] = *connection;
    return *connection;
  }
  // The last one of the relay.
  IngestEngine::Connection ConnectionOf(RelayId relay) const {
    const auto connection = connections_.find(relay);
    return connection == connections_.end() ? IngestEngine::Connection{relay, 0, {}}
                                            : connection->second;
  }
  // Ends the last connection of the relay.
  void Disconnect(RelayId relay) { engine_->Disconnect(connections_[relay]); }
  // So many relays, with the numbers from 0 for hosts.
  std::vector<RelayId> ConnectSeveral(int count) {
    std::vector<RelayId> relays(static_cast<size_t>(count));
    for (size_t i = 0; i < relays.size(); ++i) relays[i] = Connect(std::to_string(i)).relay;
    return relays;
  }
  PendingOutcome Submit(RelayId relay, const v1::Report& report) {
    PendingOutcome outcome;
    engine_->Submit(ConnectionOf(relay), test::Packed(report), outcome.Callback());
    return outcome;
  }
  IngestEngine::Outcome SubmitAndWait(RelayId relay, const v1::Report& report) {
    return Submit(relay, report).Wait();
  }
  void SubmitSound(RelayId relay, const v1::Report& report) {
    const auto outcome = SubmitAndWait(relay, report);
    EXPECT_TRUE(IsAcknowledgement(outcome, report.epoch(), report.sequence()))
        << outcome.status() << (outcome.ok() ? outcome->ShortDebugString() : "");
  }
  // Lets time pass until the engine has tried to recover its store.
  void LetRecover() {
    clock_.AdvanceSeconds(10);
    std::promise<void> done;
    engine_->Forget({}, [&done](const auto&) { done.set_value(); });
    done.get_future().wait();
  }
  NamedCells Cells(RelayId relay) const {
    return test::CellsOfState(*fleet_->View(relay).state, fleet_->names());
  }

  test::ManualClock clock_;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<IngestEngine> engine_;
  std::map<RelayId, IngestEngine::Connection> connections_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_ENGINE_FIXTURE_H_
