#include "aggregator/query/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace fleetqshape {
namespace {

TEST(WorkerPoolTest, RunsTasksInTheOrderInWhichTheyCame) {
  std::vector<int> ran;
  {
    WorkerPool pool(1, 1000);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(pool.Submit([&ran, i] { ran.push_back(i); }));
  }
  ASSERT_EQ(ran.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<size_t>(i)], i);
}

TEST(WorkerPoolTest, TurnsAwayWhatComesWhenTooManyWait) {
  std::promise<void> go;
  std::promise<void> running;
  std::atomic<int> ran{0};
  {
    WorkerPool pool(1, 2);
    ASSERT_TRUE(pool.Submit([&] {
      running.set_value();
      go.get_future().wait();
    }));
    running.get_future().wait();
    EXPECT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_FALSE(pool.Submit([&] { ran += 100; }));
    go.set_value();
  }
  EXPECT_EQ(ran, 2) << "what waits at the end is run";
}

TEST(WorkerPoolTest, ATaskThatWaitsForAnotherDoesNotStopTheOtherThreads) {
  std::promise<void> second_ran;
  WorkerPool pool(2, 10);
  EXPECT_TRUE(pool.Submit([&] { second_ran.get_future().wait(); }));
  EXPECT_TRUE(pool.Submit([&] { second_ran.set_value(); }));
}

}  // namespace
}  // namespace fleetqshape
