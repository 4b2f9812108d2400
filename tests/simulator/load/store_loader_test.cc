#include "simulator/load/store_loader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/store/rocksdb_store.h"
#include "aggregator/store/store_check.h"
#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

class StoreLoaderTest : public ::testing::Test {
 protected:
  absl::StatusOr<LoadFigures> Load(Store* store) {
    return LoadStore(world_, plans_, clock_.NowMilliseconds(), store,
                     [this](const SimulatedQueue& queue) {
                       cells_.push_back(test::CellsOfModel(queue));
                       digests_.push_back(queue.digest());
                     });
  }

  test::ManualClock clock_;
  test::TemporaryDirectory directory_;
  const std::string path_ = directory_.path("store");
  const Domains domains_{{.count = 1000, .odd_names = true}};
  const Destinations destinations_{{}};
  const SimulatedRelay::World world_{&domains_, &destinations_, {}};
  const std::vector<RelayPlan> plans_ = PlanFleet({.relays = 20, .messages = 5000});
  std::vector<test::NamedCells> cells_;
  std::vector<uint64_t> digests_;
};

TEST_F(StoreLoaderTest, AnAggregatorThatStartsOnItHasTheFleet) {
  {
    auto store = OpenRocksDbStore(path_);
    ASSERT_TRUE(store.ok()) << store.status();
    const auto loaded = Load(store->get());
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->relays, 20U);
    EXPECT_EQ(loaded->messages, 5000U);
  }
  const auto checked = CheckStore(path_);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(checked->problems.empty()) << checked->problems.front();
  EXPECT_EQ(checked->relays, 20U);
  EXPECT_EQ(checked->messages, 5000U);

  auto store = OpenRocksDbStore(path_);
  ASSERT_TRUE(store.ok()) << store.status();
  Fleet fleet;
  IngestEngine engine(store->get(), &fleet, &clock_, {});
  ASSERT_TRUE(engine.Load().ok());
  const auto views = fleet.Snapshot();
  ASSERT_EQ(views.size(), plans_.size());
  for (size_t i = 0; i < views.size(); ++i) {
    EXPECT_EQ(views[i].description->identity.host, plans_[i].host);
    ASSERT_NE(views[i].state, nullptr);
    EXPECT_EQ(views[i].state->digest, digests_[i]);
    EXPECT_EQ(digests_[i], test::DigestOf(cells_[i]));
    ASSERT_NE(views[i].state->settings, nullptr);
    EXPECT_EQ(views[i].state->settings->active_limit(), 20'000U);
  }
}

TEST_F(StoreLoaderTest, AStoreWithRelaysIsLeftAlone) {
  auto store = OpenRocksDbStore(path_);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE(Load(store->get()).ok());
  const auto again = Load(store->get());
  EXPECT_EQ(again.status().code(), absl::StatusCode::kFailedPrecondition) << again.status();
}

}  // namespace
}  // namespace fleetqshape
