#include "agent/watch/queue_lister.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/shape/address.h"
#include "tests/agent/watch/file_times.h"
#include "tests/agent/watch/queue_lister_fixture.h"
#include "tests/support/named_cells.h"
#include "tests/support/queue_directory_builder.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::NamedCells;
using test::PostdropFile;
using test::ShiftedTime;
using namespace std::chrono_literals;

TEST_F(QueueListerTest, MessagesOfAllQueuesAreTakenInAsTheirEnvelopesSay) {
  const ShiftedTime later(5s);  // so that nothing is read twice
  directory_.WriteBytes("maildrop/AAAAAA1", PostdropFile(MessageTo({"r@drop"}, "1 0")));
  directory_.Write("hold/AAAAAA2", MessageTo({"r@hold"}, "2 0"));
  directory_.Write("incoming/AAAAAA3", MessageTo({"r@incoming"}, "3 0"));
  directory_.Write("active/AAAAAA4", MessageTo({"r@active"}, "4 0"));
  directory_.Write("deferred/AAAAAA5", MessageTo({"r@deferred", "q@deferred"}, "5 0"));
  ASSERT_EQ(lister_.Pass(), absl::OkStatus());
  NamedCells expected;
  int64_t arrival = 0;
  for (const auto& [queue, name] : std::map<Queue, std::string>{{Queue::kMaildrop, "drop"},
                                                                {Queue::kHold, "hold"},
                                                                {Queue::kIncoming, "incoming"},
                                                                {Queue::kActive, "active"},
                                                                {Queue::kDeferred, "deferred"}}) {
    ++arrival;
    expected.insert({queue, Axis::kSenderDomain, "sender.example", arrival});
    expected.insert({queue, Axis::kRecipientDomain, name, arrival});
  }
  expected.insert({Queue::kDeferred, Axis::kRecipientDomain, "deferred", 5});
  EXPECT_EQ(test::CellsOfModel(model_), expected);
  EXPECT_EQ(tree_.examiner.files_read(), 5U);
}

// Such a change leaves the size as it is, and the time of change too if it comes within a tick.
TEST_F(QueueListerTest, ARecipientDeliveredRightAfterAPassIsNoticed) {
  const test::CoarseFileTimes coarse(500ms);
  QueueMessage message;
  message.recipients.clear();
  for (int i = 0; i < 60; ++i) message.recipients.push_back("r@d" + std::to_string(i));
  directory_.Write("active/AAAAAA", message);
  size_t left = message.recipients.size();
  EXPECT_EQ(PassAndListRecipients(Queue::kActive).size(), left);
  for (const std::string& recipient : message.recipients) {
    directory_.MarkDelivered("active/AAAAAA", recipient);
    ASSERT_EQ(PassAndListRecipients(Queue::kActive).size(), --left);
  }
  EXPECT_EQ(model_.message_count(), 0U) << "nobody is left to deliver to";
}

// ext4 with inodes of 128 bytes, as a file system that was ext3 once has them, notes whole seconds;
// and the kernel stamps files with its last tick, a little behind the clock that we read.
TEST_F(QueueListerTest, ARecipientDeliveredInTheSameSecondIsNoticedWhereFileTimesAreSeconds) {
  const test::CoarseFileTimes coarse(1s);
  struct stat before {};
  struct stat after {};
  const std::string path = directory_.path("active/AAAAAA");
  do {  // until both changes fall into one second
    directory_.Write("active/AAAAAA", MessageTo({"a@a", "b@b"}));
    ASSERT_EQ(stat(path.c_str(), &before), 0);
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const std::chrono::nanoseconds since_file_time =
        std::chrono::seconds(now.tv_sec - before.st_ctim.tv_sec) +
        std::chrono::nanoseconds(now.tv_nsec);
    {
      // The clock stands a hair beyond the next second, the kernel's last tick a hair before it.
      const ShiftedTime next_second(
          std::chrono::ceil<std::chrono::milliseconds>(1s - since_file_time) + 2ms);
      EXPECT_EQ(PassAndListRecipients(Queue::kActive), (Names{"a", "b"}));
    }
    directory_.MarkDelivered("active/AAAAAA", "a@a");
    ASSERT_EQ(stat(path.c_str(), &after), 0);
  } while (before.st_ctim.tv_sec != after.st_ctim.tv_sec);
  EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{"b"});
}

TEST_F(QueueListerTest, UnchangedOlderFilesAreNotReadAgain) {
  const ShiftedTime later(5s);
  for (int i = 0; i < 20; ++i) {
    directory_.Write("deferred/AAAAAA" + std::to_string(i), MessageTo({"r@r"}));
  }
  directory_.WriteBytes("deferred/FOREIGN", "no queue file");
  EXPECT_EQ(FilesReadByPass(), 21U);
  EXPECT_EQ(FilesReadByPass(), 0U);
  directory_.Write("deferred/BBBBBB", MessageTo({"r@r"}));
  EXPECT_EQ(FilesReadByPass(), 1U);
  EXPECT_EQ(FilesReadByPass(), 0U);
  EXPECT_EQ(model_.message_count(), 21U);
}

TEST_F(QueueListerTest, AFileThatMayChangeWithoutATraceIsReadAgain) {
  const ShiftedTime back(-1h);  // so that no file is older than a second
  directory_.Write("deferred/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(FilesReadByPass(), 1U);
  EXPECT_EQ(FilesReadByPass(), 1U);
  EXPECT_EQ(model_.message_count(), 1U);
}

TEST_F(QueueListerTest, AnOlderFileIsReadAgainWhenItsTimeOfChangeDiffers) {
  const ShiftedTime later(5s);
  directory_.Write("deferred/AAAAAA", MessageTo({"a@a", "b@b"}));
  directory_.Write("deferred/BBBBBB", MessageTo({"c@c"}));
  EXPECT_EQ(FilesReadByPass(), 2U);
  struct stat before {};
  struct stat after {};
  const std::string path = directory_.path("deferred/AAAAAA");
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  do {  // until the kernel's clock has ticked
    directory_.SetMode("deferred/AAAAAA", 0700);
    ASSERT_EQ(stat(path.c_str(), &after), 0);
  } while (before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
           before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
  directory_.MarkDelivered("deferred/AAAAAA", "a@a");
  EXPECT_EQ(FilesReadByPass(), 1U);
  EXPECT_EQ(Recipients(Queue::kDeferred), (Names{"b", "c"}));
}

TEST_F(QueueListerTest, AMessageThatMovesIsInItsNewQueueOnly) {
  for (const std::chrono::seconds shift : {0s, 5s, -3600s}) {
    SCOPED_TRACE(shift.count());
    const ShiftedTime time(shift);
    directory_.Write("incoming/AAAAAA", MessageTo({"r@r"}));
    EXPECT_EQ(PassAndListRecipients(Queue::kIncoming), Names{"r"});
    directory_.Move("incoming/AAAAAA", "active/AAAAAA");
    EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{"r"});
    directory_.Move("active/AAAAAA", "deferred/AAAAAA");
    EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
    directory_.Move("deferred/AAAAAA", "active/AAAAAA");
    EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{"r"});
    directory_.Move("active/AAAAAA", "hold/AAAAAA");
    EXPECT_EQ(PassAndListRecipients(Queue::kHold), Names{"r"});
    directory_.Move("hold/AAAAAA", "deferred/AAAAAA");
    EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
    EXPECT_EQ(model_.message_count(), 1U);
    directory_.Remove("deferred/AAAAAA");
    EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{});
    EXPECT_EQ(model_.message_count(), 0U);
  }
}

TEST_F(QueueListerTest, AnotherMessageInThePlaceOfARemovedOneIsRead) {
  directory_.Write("deferred/AAAAAA", MessageTo({"r@old"}));
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"old"});
  directory_.Remove("deferred/AAAAAA");
  directory_.Write("deferred/AAAAAA", MessageTo({"r@new"}));  // maybe the same inode, too
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"new"});
}

TEST_F(QueueListerTest, OnlyFilesWhoseModeSaysThatTheyAreReadyCount) {
  directory_.Write("incoming/AAAAAA", MessageTo({"r@r"}), 0600);
  EXPECT_EQ(PassAndListRecipients(Queue::kIncoming), Names{});
  directory_.SetMode("incoming/AAAAAA", 0700);
  EXPECT_EQ(PassAndListRecipients(Queue::kIncoming), Names{"r"});
  directory_.SetMode("incoming/AAAAAA", 0710);  // marked force-expire
  EXPECT_EQ(PassAndListRecipients(Queue::kIncoming), Names{"r"});
  directory_.SetMode("incoming/AAAAAA", 0600);
  EXPECT_EQ(PassAndListRecipients(Queue::kIncoming), Names{});
  EXPECT_EQ(model_.message_count(), 0U);
}

TEST_F(QueueListerTest, FilesThatHoldNoMessageDoNotCount) {
  const ShiftedTime later(5s);  // so that nothing is read twice
  directory_.WriteBytes("active/FOREIGN", "no queue file");
  directory_.WriteBytes("active/EMPTY0", "");
  directory_.WriteBytes("active/CUTOFF", CleanupFile(MessageTo({"r@r"})).substr(0, 200));
  directory_.Write("active/NOBODY", MessageTo({}));
  for (const char* name : {"short", "with.dot", "with-dash", "12345"}) {
    directory_.Write("active/" + std::string(name), MessageTo({"r@r"}));
  }
  EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{});
  EXPECT_EQ(model_.message_count(), 0U);
  EXPECT_EQ(tree_.examiner.files_read(), 4U);
}

TEST_F(QueueListerTest, FilesInHashDirectoriesCountDownToSixteenLevels) {
  std::string path = "deferred";
  for (int depth = 0; depth <= 18; ++depth) {
    directory_.MakeDirectory(path);
    directory_.Write(path + "/AAAAA" + std::to_string(depth), MessageTo({"r@r"}));
    path += "/D";
  }
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred).size(), 17U);
}

TEST_F(QueueListerTest, MessagesStayKnownWhileTheQueueIsHashedAnew) {
  directory_.Write("deferred/AB1234", MessageTo({"r@r"}));
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
  directory_.MakeDirectory("deferred/A/B");
  directory_.Move("deferred/AB1234", "deferred/A/B/AB1234");
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{"r"});
  EXPECT_EQ(model_.message_count(), 1U);
  directory_.Remove("deferred/A/B/AB1234");
  ASSERT_EQ(rmdir(directory_.path("deferred/A/B").c_str()), 0);
  EXPECT_EQ(PassAndListRecipients(Queue::kDeferred), Names{});
}

TEST_F(QueueListerTest, NothingIsFollowedOutOfTheQueueAndNothingBlocks) {
  const ShiftedTime later(5s);  // so that nothing is read twice
  test::TemporaryDirectory outside;
  outside.WriteFile("OUTSIDE", CleanupFile(MessageTo({"r@outside"})));
  ASSERT_EQ(symlink(outside.path("OUTSIDE").c_str(), directory_.path("active/LINKED1").c_str()), 0);
  ASSERT_EQ(symlink(outside.path().c_str(), directory_.path("active/A").c_str()), 0);
  ASSERT_EQ(symlink("nowhere", directory_.path("active/DANGLES").c_str()), 0);
  ASSERT_EQ(mkfifo(directory_.path("active/FIFOFIFO").c_str(), 0700), 0);
  directory_.MakeDirectory("active/DIRECTORY");
  directory_.Write("active/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(PassAndListRecipients(Queue::kActive), Names{"r"});
  EXPECT_EQ(tree_.examiner.files_read(), 1U);
}

TEST_F(QueueListerTest, TheQueueDirectoryItselfMayBeASymbolicLink) {
  directory_.Write("active/AAAAAA", MessageTo({"r@r"}));
  test::TemporaryDirectory elsewhere;
  ASSERT_EQ(symlink(directory_.path().c_str(), elsewhere.path("spool").c_str()), 0);
  QueueTree tree(elsewhere.path("spool"), &model_);
  QueueLister lister(&tree);
  EXPECT_EQ(lister.Pass(), absl::OkStatus());
  EXPECT_EQ(Recipients(Queue::kActive), Names{"r"});
}

TEST_F(QueueListerTest, AQueueThatDoesNotExistHasNoMessages) {
  directory_.Write("hold/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(PassAndListRecipients(Queue::kHold), Names{"r"});
  std::filesystem::remove_all(directory_.path("hold"));
  EXPECT_EQ(PassAndListRecipients(Queue::kHold), Names{});
  EXPECT_EQ(lister_.counters().incomplete_passes, 0U);
}

TEST_F(QueueListerTest, EqualsTheDirectoryAfterEachPassOverRandomChanges) {
  const test::CoarseFileTimes coarse(500ms);
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(3); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    struct Message {
      std::string file;
      Queue queue;
      int64_t arrival;
      std::vector<std::string> recipients;
    };
    std::map<std::string, Message> messages;  // by queue id
    int next_id = 100'000;
    const auto file_in = [](Queue queue, const std::string& id) {
      return std::string(QueueName(queue)) + "/" + id;
    };
    for (int step = 0; step < 600; ++step) {
      const int64_t what = random.Between(1, 100);
      if (messages.empty() || what <= 35) {
        const std::string id = std::to_string(next_id++);
        const Queue queue = random.OneOf(kAllQueues);
        Message message{file_in(queue, id), queue, random.Between(1, 1000), {}};
        for (int64_t left = random.Between(1, 4); left > 0; --left) {
          message.recipients.push_back(std::to_string(left) + "@" +
                                       std::to_string(random.Between(1, 5)) + ".example");
        }
        directory_.Write(message.file,
                         MessageTo(message.recipients, std::to_string(message.arrival) + " 0"));
        messages[id] = message;
      } else {
        auto& [id, message] = *std::next(
            messages.begin(), random.Between(0, static_cast<int64_t>(messages.size()) - 1));
        if (what <= 60) {
          const Queue queue = random.OneOf(kAllQueues);
          if (queue != message.queue) directory_.Move(message.file, file_in(queue, id));
          message.queue = queue;
          message.file = file_in(queue, id);
        } else if (what <= 80 && !message.recipients.empty()) {
          directory_.MarkDelivered(message.file, message.recipients.back());
          message.recipients.pop_back();
        } else if (what > 80) {
          directory_.Remove(message.file);
          messages.erase(std::string(id));
        }
      }
      if (!random.OneIn(3)) continue;
      ASSERT_EQ(lister_.Pass(), absl::OkStatus());
      NamedCells expected;
      for (const auto& [id, message] : messages) {
        if (message.recipients.empty()) continue;
        expected.insert({message.queue, Axis::kSenderDomain, "sender.example", message.arrival});
        for (const std::string& recipient : message.recipients) {
          expected.insert({message.queue, Axis::kRecipientDomain,
                           recipient.substr(recipient.find('@') + 1), message.arrival});
        }
      }
      ASSERT_EQ(test::CellsOfModel(model_), expected);
      ASSERT_EQ(model_.digest(), test::DigestOf(expected));
    }
    for (const auto& [id, message] : messages) directory_.Remove(message.file);
  }
}

}  // namespace
}  // namespace fleetqshape
