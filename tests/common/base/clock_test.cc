#include "common/base/clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace fleetqshape {
namespace {

class FixedClock final : public Clock {
 public:
  explicit FixedClock(int64_t milliseconds) : milliseconds_(milliseconds) {}
  int64_t NowMilliseconds() const override { return milliseconds_; }
  int64_t MonotonicMilliseconds() const override { return milliseconds_; }

 private:
  int64_t milliseconds_;
};

TEST(ClockTest, SecondsAreRoundedDown) {
  EXPECT_EQ(FixedClock(0).NowSeconds(), 0);
  EXPECT_EQ(FixedClock(999).NowSeconds(), 0);
  EXPECT_EQ(FixedClock(1000).NowSeconds(), 1);
  EXPECT_EQ(FixedClock(1'700'000'000'999).NowSeconds(), 1'700'000'000);
}

TEST(ClockTest, SecondsBeforeTheEpochAreRoundedDownToo) {
  EXPECT_EQ(FixedClock(-1).NowSeconds(), -1);
  EXPECT_EQ(FixedClock(-999).NowSeconds(), -1);
  EXPECT_EQ(FixedClock(-1000).NowSeconds(), -1);
  EXPECT_EQ(FixedClock(-1001).NowSeconds(), -2);
}

TEST(ClockTest, SystemClockIsTheSystems) {
  const std::time_t before = std::time(nullptr);
  const int64_t now = SystemClock().NowSeconds();
  const std::time_t after = std::time(nullptr);
  // time(2) may be a tick of the coarse clock behind.
  EXPECT_GE(now, before);
  EXPECT_LE(now, after + 1);
}

}  // namespace
}  // namespace fleetqshape
