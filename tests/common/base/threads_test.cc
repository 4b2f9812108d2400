#include "common/base/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <system_error>
#include <thread>

#include "common/base/mutex.h"

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;

// The numbers that the work is called with, if the system has so many threads.
std::set<size_t> NumbersWith(size_t others, size_t available) {
  Mutex mutex;
  std::set<size_t> numbers;
  const auto work = [&](size_t thread) {
    MutexLock lock(mutex);
    EXPECT_TRUE(numbers.insert(thread).second);
  };
  WorkInThreads(others, work, [&](std::function<void()> start) {
    if (available == 0) {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    }
    --available;
    return StartStdThread(std::move(start));
  });
  return numbers;
}

TEST(WorkInThreads, EachThreadHasANumber) {
  EXPECT_THAT(NumbersWith(0, 9), ElementsAre(0));
  EXPECT_THAT(NumbersWith(3, 9), ElementsAre(0, 1, 2, 3));
}

TEST(WorkInThreads, FewerWorkWhereTheSystemHasNoMoreThreads) {
  EXPECT_THAT(NumbersWith(3, 2), ElementsAre(0, 1, 2));
  EXPECT_THAT(NumbersWith(3, 0), ElementsAre(0));
}

TEST(WorkInThreads, AllOfThemWorkAtOnce) {
  std::atomic<int> working = 0;
  WorkInThreads(2, [&](size_t) {
    ++working;
    while (working < 3) std::this_thread::yield();
  });
  EXPECT_EQ(working, 3);
}

}  // namespace
}  // namespace fleetqshape
