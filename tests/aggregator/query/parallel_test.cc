#include "aggregator/query/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace fleetqshape {
namespace {

TEST(CrewTest, EachItemIsDoneOnceWhoeverHelps) {
  WorkerPool pool(3, 64);
  for (const size_t items : {size_t{0}, size_t{1}, size_t{2}, size_t{1000}}) {
    for (WorkerPool* helpers : {&pool, static_cast<WorkerPool*>(nullptr)}) {
      const size_t at_a_time = items % 3 + 1;
      const Crew crew(helpers, 4, nullptr);
      EXPECT_EQ(crew.workers(), helpers == nullptr ? 1U : 4U);
      std::vector<std::atomic<int>> done(items);
      std::vector<std::atomic<int>> at_work(crew.workers());
      crew.ForEach(items, {.at_a_time = at_a_time}, [&](size_t worker, size_t item) {
        EXPECT_EQ(at_work[worker]++, 0) << "a worker does one thing at a time";
        ++done[item];
        --at_work[worker];
      });
      for (const auto& one : done) EXPECT_EQ(one, 1);
    }
  }
}

// A pool that has other work to do keeps nobody waiting, and who comes too late does no harm.
TEST(CrewTest, ABusyPoolIsNotWaitedFor) {
  std::promise<void> end;
  int done = 0;
  {
    WorkerPool pool(1, 64);
    ASSERT_TRUE(pool.Submit([busy = end.get_future().share()] { busy.wait(); }));
    const Crew crew(&pool, 2, nullptr);
    crew.ForEach(10, {}, [&](size_t worker, size_t /*item*/) {
      EXPECT_EQ(worker, 0U);
      ++done;
    });
    EXPECT_EQ(done, 10);
    end.set_value();
  }
  EXPECT_EQ(done, 10);
}

TEST(CrewTest, FewerWorkersHaveLargeThings) {
  WorkerPool pool(3, 64);
  const Crew crew(&pool, 4, nullptr);
  EXPECT_EQ(crew.WorkersFor(0, 100), 4U);
  EXPECT_EQ(crew.WorkersFor(25, 100), 4U);
  EXPECT_EQ(crew.WorkersFor(26, 100), 3U);
  EXPECT_EQ(crew.WorkersFor(101, 100), 1U);
  crew.ForEach(100, {.workers = 2}, [](size_t worker, size_t /*item*/) { EXPECT_LT(worker, 2U); });
}

TEST(CrewTest, NothingIsBegunOnceTheQuestionIsCancelled) {
  std::atomic<bool> cancelled = false;
  const Crew crew(nullptr, 1, &cancelled);
  int done = 0;
  crew.ForEach(10, {}, [&](size_t /*worker*/, size_t item) {
    ++done;
    if (item == 3) cancelled = true;
  });
  EXPECT_EQ(done, 4);
  EXPECT_TRUE(crew.cancelled());
}

}  // namespace
}  // namespace fleetqshape
