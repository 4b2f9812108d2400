// Passes that cannot list all: what they did not see is not taken for gone.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/agent/watch/queue_lister_fixture.h"
#include "tests/support/unprivileged.h"

namespace fleetqshape {
namespace {

// Leaves this process so many more descriptors while it lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(next);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next) + more;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

class QueueListerTroubleTest : public QueueListerTest {};

TEST_F(QueueListerTroubleTest, NothingIsRemovedWhileTheQueueDirectoryIsAway) {
  directory_.Write("active/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{"r"});
  const std::string away = directory_.path() + ".away";
  ASSERT_EQ(rename(directory_.path().c_str(), away.c_str()), 0);
  const absl::Status status = lister_.Pass();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find(directory_.path()), absl::string_view::npos) << status;
  ASSERT_EQ(rename(away.c_str(), directory_.path().c_str()), 0);
  EXPECT_EQ(Recipients(Queue::kActive), Names{"r"});
  EXPECT_EQ(lister_.counters().incomplete_passes, 1U);
  directory_.Remove("active/AAAAAA");
  EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{});
}

// Something that is not the queue stands in its place: for as long as it does, nothing of the queue
// is taken for gone, and the other queues are listed as ever.
TEST_F(QueueListerTroubleTest, AQueueLosesNothingWhileALinkOrAFileStandsInItsPlace) {
  for (const bool link : {true, false}) {
    SCOPED_TRACE(link);
    directory_.Write("hold/AAAAAA", MessageTo({"r@held"}));
    directory_.Write("active/BBBBBB", MessageTo({"r@active"}));
    EXPECT_EQ(PassAndListRecipients(Queue::kHold), Names{"held"});
    directory_.Move("hold", "hold.away");
    if (link) {
      ASSERT_EQ(symlink("hold.away", directory_.path("hold").c_str()), 0);
    } else {
      directory_.WriteBytes("hold", "");
    }
    directory_.Remove("active/BBBBBB");
    directory_.Write("active/CCCCCC", MessageTo({"r@new"}));
    const uint64_t incomplete = lister_.counters().incomplete_passes;
    const absl::Status status = lister_.Pass();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(status.message().find("/hold"), absl::string_view::npos) << status;
    EXPECT_EQ(lister_.counters().incomplete_passes, incomplete + 1);
    EXPECT_EQ(Recipients(Queue::kHold), Names{"held"});
    EXPECT_EQ(Recipients(Queue::kActive), Names{"new"});

    directory_.Remove("hold");
    directory_.Move("hold.away", "hold");
    EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{"new"});
    EXPECT_EQ(Recipients(Queue::kHold), Names{"held"});
    directory_.Remove("hold/AAAAAA");
    directory_.Remove("active/CCCCCC");
    EXPECT_EQ(PassAndListRecipients(Queue::kHold), Names{});
  }
}

TEST_F(QueueListerTroubleTest, AQueueLosesNothingWhileADirectoryOfItCannotBeRead) {
  for (const char* unreadable : {"deferred", "deferred/A"}) {
    SCOPED_TRACE(unreadable);
    directory_.MakeDirectory("deferred/A");
    directory_.Write("deferred/A/AAAAAA", MessageTo({"r@r"}), 0755);
    directory_.Write("active/BBBBBB", MessageTo({"r@active"}), 0755);
    EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
    directory_.SetMode(unreadable, 0);
    directory_.Remove("active/BBBBBB");
    {
      const test::UnprivilegedFileAccess nobody;
      EXPECT_EQ(lister_.Pass().code(), absl::StatusCode::kPermissionDenied);
    }
    EXPECT_EQ(Recipients(Queue::kDeferred), Names{"r"});
    EXPECT_EQ(Recipients(Queue::kActive), Names{});
    directory_.SetMode(unreadable, 0755);
    EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
  }
}

TEST_F(QueueListerTroubleTest, NothingIsRemovedWhenDescriptorsRunOutForADirectory) {
  directory_.MakeDirectory("deferred/A");
  directory_.Write("deferred/A/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
  for (rlim_t more = 0; more <= 2; ++more) {
    SCOPED_TRACE(more);
    {
      const FewDescriptors few(more);
      EXPECT_EQ(lister_.Pass().code(), absl::StatusCode::kUnavailable);
    }
    EXPECT_EQ(Recipients(Queue::kDeferred), Names{"r"});
  }
  EXPECT_EQ(lister_.counters().incomplete_passes, 3U);
}

// A file that is there and cannot be opened for now is not one that is gone.
TEST_F(QueueListerTroubleTest, NothingIsRemovedWhenDescriptorsRunOutForAFile) {
  directory_.Write("deferred/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
  {
    const FewDescriptors few(2);  // the queue directory and the queue, but no file
    EXPECT_FALSE(lister_.Pass().ok());
  }
  EXPECT_EQ(Recipients(Queue::kDeferred), Names{"r"});
  EXPECT_EQ(lister_.counters().incomplete_passes, 1U);
}

TEST_F(QueueListerTroubleTest, AFileThatMayNotBeReadDoesNotStopTheRest) {
  directory_.Write("active/AAAAAA", MessageTo({"r@r"}), 0755);
  directory_.Write("active/BBBBBB", MessageTo({"r@secret"}), 0700);
  directory_.Write("active/CCCCCC", MessageTo({"r@gone"}), 0755);
  Names expected = {"gone", "r"};
  if (test::UnprivilegedFileAccess::IsOwner()) expected.insert("secret");
  {
    const test::UnprivilegedFileAccess nobody;
    EXPECT_EQ(PassAndListRecipients(Queue::kActive), expected);
  }
  directory_.Remove("active/CCCCCC");
  expected.erase("gone");
  const test::UnprivilegedFileAccess nobody;
  EXPECT_EQ(PassAndListRecipients(Queue::kActive), expected);
}

TEST_F(QueueListerTroubleTest, AQueueOfWhichNothingMayBeReadIsNotAnEmptyOne) {
  directory_.MakeDirectory("deferred/A");
  directory_.Write("deferred/A/AAAAAA", MessageTo({"r@r"}), 0755);
  directory_.Write("active/BBBBBB", MessageTo({"r@active"}), 0755);
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
  directory_.SetMode("deferred/A/AAAAAA", 0700);
  directory_.Remove("active/BBBBBB");
  {
    const test::UnprivilegedFileAccess nobody;
    const absl::Status status = lister_.Pass();
    if (test::UnprivilegedFileAccess::IsOwner()) {
      EXPECT_EQ(status, absl::OkStatus());
    } else {
      EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
      EXPECT_NE(status.message().find("/deferred"), absl::string_view::npos) << status;
    }
  }
  EXPECT_EQ(Recipients(Queue::kDeferred), Names{"r"});
  EXPECT_EQ(Recipients(Queue::kActive), Names{}) << "the other queues are listed as ever";
}

TEST_F(QueueListerTroubleTest, APassCanBeEndedAndThenRemovesNothing) {
  for (int i = 0; i < 2000; ++i) {
    directory_.Write("deferred/" + std::to_string(100'000 + i), MessageTo({"r@r"}));
  }
  ASSERT_EQ(lister_.Pass(), absl::OkStatus());
  directory_.Remove("deferred/100000");
  int breaths = 0;
  const absl::Status status = lister_.Pass([&breaths] { return ++breaths < 2; });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_EQ(breaths, 2);
  EXPECT_EQ(model_.message_count(), 2000U);
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred).size(), 1999U);
}

TEST_F(QueueListerTroubleTest, ADirectoryWithoutAnyQueueIsNotAnEmptyQueue) {
  directory_.Write("active/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{"r"});
  for (Queue queue : kAllQueues) {
    const std::string name(QueueName(queue));
    directory_.Move(name, name + ".away");
  }
  EXPECT_EQ(lister_.Pass().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Recipients(Queue::kActive), Names{"r"});
  EXPECT_EQ(lister_.counters().incomplete_passes, 1U);
}

}  // namespace
}  // namespace fleetqshape
