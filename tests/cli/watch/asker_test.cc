#include "cli/watch/asker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <future>

namespace fleetqshape {
namespace {

bool WaitFor(const Asker& asker) {
  pollfd source{asker.wake_descriptor(), POLLIN, 0};
  return poll(&source, 1, 30'000) == 1;
}

TEST(Asker, AsksInAnotherThread) {
  const auto here = std::this_thread::get_id();
  Asker asker(
      [here](const WatchRequest& request) -> absl::StatusOr<WatchAnswer> {
        EXPECT_NE(std::this_thread::get_id(), here);
        if (request.question == 2) return absl::UnavailableError("gone");
        WatchAnswer answer;
        answer.failures = {"first"};
        return answer;
      },
      [] {});
  EXPECT_FALSE(asker.busy());
  EXPECT_FALSE(asker.Take());
  asker.Start({1, {}, false});
  EXPECT_TRUE(asker.busy());
  ASSERT_TRUE(WaitFor(asker));
  auto outcome = asker.Take();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->request.question, 1);
  ASSERT_TRUE(outcome->answer.ok());
  EXPECT_THAT(outcome->answer->failures, testing::ElementsAre("first"));
  EXPECT_FALSE(asker.busy());
  EXPECT_FALSE(asker.Take());

  asker.Start({2, {}, false});
  ASSERT_TRUE(WaitFor(asker));
  outcome = asker.Take();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->answer.status().message(), "gone");
}

TEST(Asker, TheEndCancelsWhatIsUnderWay) {
  std::promise<void> asked;
  std::promise<void> cancelled;
  {
    Asker asker(
        [&](const WatchRequest&) -> absl::StatusOr<WatchAnswer> {
          asked.set_value();
          cancelled.get_future().wait();
          return absl::CancelledError("");
        },
        [&] { cancelled.set_value(); });
    asker.Start({});
    asked.get_future().wait();
    EXPECT_FALSE(asker.Take());
    EXPECT_TRUE(asker.busy());
  }
  SUCCEED();
}

}  // namespace
}  // namespace fleetqshape
