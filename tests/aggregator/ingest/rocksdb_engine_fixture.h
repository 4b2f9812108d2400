// The engine with a store on the disk.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_ROCKSDB_ENGINE_FIXTURE_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_ROCKSDB_ENGINE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "aggregator/store/rocksdb_store.h"
#include "tests/aggregator/ingest/engine_fixture.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {

class RocksDbEngineTest : public EngineTest {
 protected:
  void SetUp() override { Open(); }
  // Makes the engine on the store that was opened: LoadFrom or StartOn.
  virtual void Begin(Store* store) = 0;

  void Open() {
    auto store = OpenRocksDbStore(directory_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    Begin(store_.get());
  }
  void CloseAll() {
    engine_.reset();
    fleet_.reset();
    store_.reset();
  }
  void Restart() {
    CloseAll();
    Open();
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_ROCKSDB_ENGINE_FIXTURE_H_
