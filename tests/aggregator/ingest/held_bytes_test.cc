#include "aggregator/ingest/held_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HeldBytesTest : public ::testing::Test {
 protected:
  bool Hold(size_t bytes, int number, HeldBytes::Ticket* ticket = nullptr) {
    HeldBytes::Ticket unused = 0;
    return held_.Hold(
        bytes, [this, number] { admitted_.push_back(number); }, ticket ? ticket : &unused);
  }

  HeldBytes held_{100};
  std::vector<int> admitted_;
};

TEST_F(HeldBytesTest, TheWholeLimitIsThereAndNotAByteMore) {
  EXPECT_TRUE(Hold(60, 1));
  EXPECT_TRUE(Hold(40, 2));
  EXPECT_EQ(held_.held(), 100U);
  EXPECT_FALSE(Hold(1, 3));
  EXPECT_EQ(held_.waiting(), 1U);
  held_.Release(40);
  EXPECT_THAT(admitted_, ElementsAre(3));
  EXPECT_EQ(held_.held(), 61U);
  EXPECT_EQ(held_.waiting(), 0U);
}

// Else a large one would wait for ever.
TEST_F(HeldBytesTest, NobodyOvertakesOneWhoWaits) {
  EXPECT_TRUE(Hold(50, 1));
  EXPECT_FALSE(Hold(100, 2));
  EXPECT_FALSE(Hold(1, 3)) << "though there is room";
  EXPECT_FALSE(Hold(0, 4));
  held_.Release(50);
  EXPECT_THAT(admitted_, ElementsAre(2));
  held_.Release(100);
  EXPECT_THAT(admitted_, ElementsAre(2, 3, 4));
  EXPECT_EQ(held_.held(), 1U);
}

TEST_F(HeldBytesTest, WhoWithdrawsIsNeverAdmittedAndLetsOthersIn) {
  HeldBytes::Ticket large = 0;
  HeldBytes::Ticket small = 0;
  EXPECT_TRUE(Hold(50, 1));
  EXPECT_FALSE(Hold(100, 2, &large));
  EXPECT_FALSE(Hold(10, 3, &small));
  EXPECT_NE(large, small);
  EXPECT_TRUE(held_.Withdraw(large));
  EXPECT_THAT(admitted_, ElementsAre(3));
  EXPECT_EQ(held_.held(), 60U);
  EXPECT_FALSE(held_.Withdraw(large));
  EXPECT_FALSE(held_.Withdraw(small)) << "it is too late";
  EXPECT_FALSE(held_.Withdraw(0));
  held_.Release(60);
  EXPECT_EQ(held_.held(), 0U);
  EXPECT_THAT(admitted_, ElementsAre(3));
}

TEST_F(HeldBytesTest, WhoWithdrawsLetsGoOfWhatItHeld) {
  const auto kept = std::make_shared<int>(0);
  EXPECT_TRUE(Hold(100, 1));
  HeldBytes::Ticket ticket = 0;
  EXPECT_FALSE(held_.Hold(
      1, [kept] {}, &ticket));
  EXPECT_EQ(kept.use_count(), 2);
  EXPECT_TRUE(held_.Withdraw(ticket));
  EXPECT_EQ(kept.use_count(), 1);
}

// As when all streams have ended while they waited: the stack is no place for them.
TEST_F(HeldBytesTest, AHundredThousandThatGiveBackAtOnceAreNoDepth) {
  constexpr int kMany = 100'000;
  EXPECT_TRUE(Hold(100, 0));
  int depth = 0;
  int deepest = 0;
  int admitted = 0;
  HeldBytes::Ticket ticket = 0;
  for (int i = 0; i < kMany; ++i) {
    const auto give_back = [&] {
      deepest = std::max(deepest, ++depth);
      ++admitted;
      held_.Release(100);
      --depth;
    };
    EXPECT_FALSE(held_.Hold(100, give_back, &ticket));
  }
  held_.Release(100);
  EXPECT_EQ(admitted, kMany);
  EXPECT_EQ(deepest, 1);
  EXPECT_EQ(held_.held(), 0U);
}

TEST_F(HeldBytesTest, WhoIsAdmittedMayAskAgain) {
  EXPECT_TRUE(Hold(100, 1));
  HeldBytes::Ticket ticket = 0;
  EXPECT_FALSE(held_.Hold(
      10,
      [this] {
        EXPECT_TRUE(Hold(90, 2));
        EXPECT_FALSE(Hold(5, 3));
      },
      &ticket));
  held_.Release(100);
  EXPECT_THAT(admitted_, IsEmpty());
  held_.Release(10);
  EXPECT_THAT(admitted_, ElementsAre(3));
}

TEST_F(HeldBytesTest, SeveralThreadsAreNeverBeyondTheLimitAndLeaveNothing) {
  std::atomic<int> done{0};
  std::atomic<size_t> most{0};
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kRounds; ++i) {
        const auto bytes = static_cast<size_t>((thread * 31 + i * 7) % 101);
        const auto give_back = [&, bytes] {
          size_t seen = most;
          while (seen < held_.held() && !most.compare_exchange_weak(seen, held_.held())) {
          }
          held_.Release(bytes);
          ++done;
        };
        HeldBytes::Ticket ticket = 0;
        if (held_.Hold(bytes, give_back, &ticket)) {
          give_back();
        } else if (i % 3 == 0 && held_.Withdraw(ticket)) {
          ++done;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, kThreads * kRounds);
  EXPECT_LE(most, 100U);
  EXPECT_EQ(held_.held(), 0U);
  EXPECT_EQ(held_.waiting(), 0U);
}

}  // namespace
}  // namespace fleetqshape
