#include "agent/watch/queue_tracker.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "tests/support/named_cells.h"
#include "tests/support/queue_directory_builder.h"

// The limit of instances is one for all of a user's processes: not to be used up by a test.
static bool inotify_fails = false;

// The names that the linker gives to a wrapped function, and to the one in its place.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" int __real_inotify_init1(int flags);
extern "C" int __wrap_inotify_init1(int flags) {
  if (!inotify_fails) return __real_inotify_init1(flags);
  errno = EMFILE;
  return -1;
}
// NOLINTEND(bugprone-reserved-identifier)

namespace fleetqshape {
namespace {

using test::QueueDirectoryBuilder;
using test::QueueMessage;
using namespace std::chrono_literals;

QueueMessage MessageTo(const std::string& recipient) {
  QueueMessage message;
  message.time = "1000 0";
  message.sender = "s@sender.example";
  message.recipients = {recipient};
  return message;
}

// A tracker whose clock stands still until it is moved.
class QueueTrackerTest : public ::testing::Test {
 protected:
  using Names = std::multiset<std::string>;

  QueueTracker::Options TrackerOptions(bool may_watch) {
    QueueTracker::Options options;
    options.queue_directory = directory_.path();
    options.may_watch = may_watch;
    options.interval = 1s;
    options.verify_interval = 300s;
    return options;
  }
  QueueTracker MakeTracker(bool may_watch = true) {
    return {TrackerOptions(may_watch), &model_, [this] { return now_; }, nullptr};
  }
  Names Recipients() const {
    Names names;
    for (const test::NamedCell& cell : test::CellsOfModel(model_)) {
      if (cell.axis == Axis::kRecipientDomain) names.insert(cell.name);
    }
    return names;
  }
  // As the agent's loop does it.
  static void TakeEvents(QueueTracker* tracker) {
    pollfd descriptor{tracker->event_fd(), POLLIN, 0};
    ASSERT_EQ(poll(&descriptor, 1, 10'000), 1) << "no event came";
    tracker->OnEvents();
  }

  QueueDirectoryBuilder directory_;
  QueueModel model_{[](const Cell&, int64_t) {}};
  QueueTracker::TimePoint now_{1000s};
};

TEST_F(QueueTrackerTest, LooksAtOnceAndThenWhenAnIntervalHasPassedSinceTheFirstChange) {
  directory_.Write("active/AAAAAA", MessageTo("r@before"));
  QueueTracker tracker = MakeTracker();
  EXPECT_LE(tracker.next_update(), now_);
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(Recipients(), Names{"before"});
  EXPECT_EQ(tracker.next_update(), now_ + 300s) << "nothing but the verification is due";

  now_ += 10s;
  directory_.Write("active/BBBBBB", MessageTo("r@later"));
  TakeEvents(&tracker);
  EXPECT_EQ(tracker.next_update(), now_ + 1s);
  now_ += 500ms;
  directory_.Write("active/CCCCCC", MessageTo("r@latest"));
  TakeEvents(&tracker);
  EXPECT_EQ(tracker.next_update(), now_ + 500ms) << "the first change counts";
  now_ += 500ms;
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(Recipients(), (Names{"before", "later", "latest"}));
  EXPECT_EQ(tracker.next_update(), QueueTracker::TimePoint(1300s));
}

TEST_F(QueueTrackerTest, VerifiesWhenItIsTime) {
  QueueTracker tracker = MakeTracker();
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  now_ += 299s;
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(tracker.watch_counters().verifications, 0U);
  now_ += 1s;
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(tracker.watch_counters().verifications, 1U);
  EXPECT_EQ(tracker.next_update(), now_ + 300s);
}

TEST_F(QueueTrackerTest, ListsEveryIntervalIfItMayNotWatch) {
  QueueTracker tracker = MakeTracker(false);
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(tracker.event_fd(), -1);
  EXPECT_EQ(tracker.next_update(), now_ + 1s);
  directory_.Write("active/AAAAAA", MessageTo("r@r"));
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(Recipients(), Names{"r"});
  EXPECT_EQ(tracker.watch_counters().listings, 0U);
  EXPECT_EQ(tracker.passes(), 2U);
}

TEST_F(QueueTrackerTest, ListsWhereInotifyDoesNotWorkAndTriesAgainLater) {
  directory_.Write("active/AAAAAA", MessageTo("r@r"));
  QueueTracker tracker = MakeTracker();
  inotify_fails = true;
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  inotify_fails = false;
  EXPECT_EQ(tracker.event_fd(), -1);
  EXPECT_EQ(Recipients(), Names{"r"});
  EXPECT_EQ(tracker.next_update(), now_ + 1s);
  directory_.Write("active/BBBBBB", MessageTo("r@listed"));
  now_ += 1s;
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(tracker.event_fd(), -1) << "not at once";
  EXPECT_EQ(Recipients(), (Names{"listed", "r"}));

  now_ += 300s;
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_NE(tracker.event_fd(), -1);
  directory_.Write("active/CCCCCC", MessageTo("r@watched"));
  TakeEvents(&tracker);
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(Recipients(), (Names{"listed", "r", "watched"}));
}

TEST_F(QueueTrackerTest, AQueueThatCannotBeListedIsTriedAgain) {
  directory_.Move("active", "away");
  directory_.WriteBytes("active", "no directory");
  QueueTracker tracker = MakeTracker();
  EXPECT_FALSE(tracker.Update().ok());
  EXPECT_LE(tracker.next_update(), now_ + 1s);
  directory_.Remove("active");
  directory_.Move("away", "active");
  directory_.Write("active/AAAAAA", MessageTo("r@r"));
  now_ += 1s;
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(Recipients(), Names{"r"});
}

TEST_F(QueueTrackerTest, ARemovalIsAChangeToo) {
  directory_.Write("active/AAAAAA", MessageTo("r@r"));
  QueueTracker tracker = MakeTracker();
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  now_ += 10s;
  directory_.Remove("active/AAAAAA");
  TakeEvents(&tracker);
  EXPECT_EQ(Recipients(), Names{});
  EXPECT_EQ(tracker.next_update(), now_ + 1s);
  now_ += 1s;
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  EXPECT_EQ(tracker.next_update(), QueueTracker::TimePoint(1300s));
}

// Else it would go round without a pause, and take a part for the whole.
TEST_F(QueueTrackerTest, WhatCannotBeListedIsNoReasonToHurryWhenAVerificationIsDue) {
  directory_.Move("active", "away");
  directory_.WriteBytes("active", "no directory");
  QueueTracker tracker = MakeTracker();
  for (int second = 0; second < 400; ++second) {
    EXPECT_FALSE(tracker.Update().ok()) << second;
    ASSERT_GT(tracker.next_update(), now_) << second;
    now_ += 1s;
  }
}

TEST_F(QueueTrackerTest, AVerificationThatCouldNotListIsFollowedByAListing) {
  QueueTracker tracker = MakeTracker();
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
  now_ += 300s;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_FALSE(tracker.Update().ok());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  now_ += 1s;
  EXPECT_LE(tracker.next_update(), now_);
  EXPECT_EQ(tracker.Update(), absl::OkStatus());
}

TEST_F(QueueTrackerTest, NetworkFileSystemsAreNotWatched) {
  EXPECT_EQ(QueueTracker::CheckFileSystem(directory_.path()), absl::OkStatus());
  EXPECT_EQ(QueueTracker::CheckFileSystem("/nonexistent"), absl::OkStatus());
}

}  // namespace
}  // namespace fleetqshape
