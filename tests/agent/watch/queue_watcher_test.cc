#include "agent/watch/queue_watcher.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/agent/watch/queue_churn.h"
#include "tests/support/named_cells.h"
#include "tests/support/queue_directory_builder.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::QueueDirectoryBuilder;
using test::QueueMessage;

QueueMessage MessageTo(const std::vector<std::string>& recipients) {
  QueueMessage message;
  message.time = "1000 0";
  message.sender = "s@sender.example";
  message.recipients = recipients;
  return message;
}

class QueueWatcherTest : public ::testing::Test {
 protected:
  using Names = std::multiset<std::string>;

  void SetUp() override { Start(); }

  void Start() {
    auto watcher = QueueWatcher::Create(&tree_);
    ASSERT_TRUE(watcher.ok()) << watcher.status();
    watcher_ = *std::move(watcher);
    ASSERT_EQ(watcher_->Settle(true), absl::OkStatus());
  }

  // Recipient domains in a queue, once all changes are taken in.
  Names SettleAndList(Queue queue) {
    for (int i = 0; i < 3 && (i == 0 || watcher_->unsettled()); ++i) {
      EXPECT_EQ(watcher_->Settle(true), absl::OkStatus());
    }
    return Recipients(queue);
  }
  Names Recipients(Queue queue) const {
    Names names;
    for (const test::NamedCell& cell : test::CellsOfModel(model_)) {
      if (cell.queue == queue && cell.axis == Axis::kRecipientDomain) names.insert(cell.name);
    }
    return names;
  }
  uint64_t FilesReadBySettle() {
    const uint64_t before = tree_.examiner.files_read();
    EXPECT_EQ(watcher_->Settle(true), absl::OkStatus());
    return tree_.examiner.files_read() - before;
  }
  uint64_t listings() const { return watcher_->counters().listings; }

  QueueDirectoryBuilder directory_;
  QueueModel model_{[](const Cell&, int64_t) {}};
  QueueTree tree_{directory_.path(), &model_};
  std::unique_ptr<QueueWatcher> watcher_;
};

TEST_F(QueueWatcherTest, WhatWasThereBeforeIsListed) {
  watcher_.reset();
  directory_.MakeDirectory("deferred/A");
  directory_.Write("deferred/A/AAAAAA", MessageTo({"r@before"}));
  Start();
  EXPECT_EQ(Recipients(Queue::kDeferred), Names{"before"});
}

TEST_F(QueueWatcherTest, AMessageIsFollowedOnItsWay) {
  directory_.Write("incoming/123.456", MessageTo({"a@a", "b@b"}), 0600);
  directory_.Move("incoming/123.456", "incoming/AAAAAA");
  EXPECT_EQ(SettleAndList(Queue::kIncoming), Names{});
  EXPECT_EQ(model_.file_counts().of(FileKind::kBeingWritten), 1U);
  directory_.SetMode("incoming/AAAAAA", 0700);
  EXPECT_EQ(SettleAndList(Queue::kIncoming), (Names{"a", "b"}));
  EXPECT_EQ(model_.file_counts().of(FileKind::kBeingWritten), 0U);
  directory_.Move("incoming/AAAAAA", "active/AAAAAA");
  EXPECT_EQ(SettleAndList(Queue::kActive), (Names{"a", "b"}));
  directory_.MarkDelivered("active/AAAAAA", "a@a");
  EXPECT_EQ(SettleAndList(Queue::kActive), Names{"b"});
  directory_.MakeDirectory("deferred/A");
  directory_.Move("active/AAAAAA", "deferred/A/AAAAAA");
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{"b"});
  EXPECT_EQ(model_.message_count(), 1U);
  directory_.Remove("deferred/A/AAAAAA");
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{});
  EXPECT_EQ(listings(), 1U) << "events were enough";
}

TEST_F(QueueWatcherTest, AMessageThatComesAndGoesIsNotRead) {
  for (int i = 0; i < 50; ++i) {
    const std::string id = "AAAAA" + std::to_string(i);
    directory_.Write("incoming/" + id, MessageTo({"r@r"}));
    directory_.Move("incoming/" + id, "active/" + id);
    directory_.Remove("active/" + id);
  }
  EXPECT_EQ(FilesReadBySettle(), 0U);
  EXPECT_FALSE(watcher_->unsettled());
}

TEST_F(QueueWatcherTest, OnlyWhatCanHaveChangedIsReadAgain) {
  directory_.Write("incoming/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(FilesReadBySettle(), 1U);
  directory_.Move("incoming/AAAAAA", "active/AAAAAA");
  EXPECT_EQ(FilesReadBySettle(), 0U) << "nothing changes on the way to delivery";
  directory_.Move("active/AAAAAA", "deferred/AAAAAA");
  EXPECT_EQ(FilesReadBySettle(), 1U) << "every arrival in deferred";
  directory_.Move("deferred/AAAAAA", "active/AAAAAA");
  directory_.Move("active/AAAAAA", "deferred/AAAAAA");
  EXPECT_EQ(FilesReadBySettle(), 1U) << "once, however often it moved";
  EXPECT_EQ(FilesReadBySettle(), 0U);
  EXPECT_EQ(Recipients(Queue::kDeferred), Names{"r"});
}

// Also if the message is held, released or requeued while a delivery agent has it.
TEST_F(QueueWatcherTest, ADeliveryIsNoticedWhileTheFileStaysOpen) {
  directory_.Write("active/AAAAAA", MessageTo({"a@a", "b@b", "c@c", "d@d", "e@e", "f@f"}));
  std::fstream file(directory_.path("active/AAAAAA"), std::ios::in | std::ios::out);
  std::string bytes(1 << 16, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.clear();
  std::string place = "active/AAAAAA";
  Names left = {"a", "b", "c", "d", "e", "f"};
  for (const Queue queue :
       {Queue::kActive, Queue::kHold, Queue::kDeferred, Queue::kIncoming, Queue::kMaildrop}) {
    const std::string next = std::string(QueueName(queue)) + "/AAAAAA";
    if (next != place) directory_.Move(place, next);
    place = next;
    EXPECT_EQ(SettleAndList(queue), left);
    const std::string name = *left.begin();
    file.seekp(static_cast<std::streamoff>(bytes.find("R\x03" + name + "@" + name)));
    file.put('D');
    file.flush();
    left.erase(left.begin());
    EXPECT_EQ(SettleAndList(queue), left) << place;
  }
}

TEST_F(QueueWatcherTest, NewHashDirectoriesAreWatched) {
  for (int i = 0; i < 20; ++i) {
    const std::string top = "deferred/" + std::string(1, static_cast<char>('A' + i));
    directory_.MakeDirectory(top + "/B");
    directory_.Write(top + "/B/AAAAA" + std::to_string(i), MessageTo({"r@r"}));
  }
  EXPECT_EQ(SettleAndList(Queue::kDeferred).size(), 20U);
  directory_.Remove("deferred/C/B/AAAAA2");
  directory_.Write("deferred/A/B/BBBBBB", MessageTo({"r@new"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred).size(), 20U);
  EXPECT_EQ(Recipients(Queue::kDeferred).count("new"), 1U);
  EXPECT_EQ(listings(), 1U);
}

TEST_F(QueueWatcherTest, AnOverflowLeadsToAListing) {
  std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
  int limit = 0;
  ASSERT_TRUE(limit_file >> limit);
  directory_.Write("deferred/AAAAAA", MessageTo({"r@gone"}));
  directory_.Write("deferred/BBBBBB", MessageTo({"a@a", "b@b"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred), (Names{"a", "b", "gone"}));
  const std::string a = directory_.path("active/CCCCCC");
  const std::string b = directory_.path("active/DDDDDD");
  directory_.Write("active/CCCCCC", MessageTo({"r@r"}));
  for (int i = 0; i <= limit / 2 + 1; ++i) {
    ASSERT_EQ(rename(a.c_str(), b.c_str()), 0);
    ASSERT_EQ(rename(b.c_str(), a.c_str()), 0);
  }
  // None of these is told any more.
  directory_.Remove("deferred/AAAAAA");
  directory_.Move("deferred/BBBBBB", "active/BBBBBB");
  directory_.MarkDelivered("active/BBBBBB", "a@a");
  directory_.MakeDirectory("deferred/E");
  directory_.Write("deferred/E/EEEEEE", MessageTo({"r@new"}));
  EXPECT_EQ(SettleAndList(Queue::kActive), (Names{"b", "r"}));
  EXPECT_EQ(Recipients(Queue::kDeferred), Names{"new"});
  EXPECT_EQ(watcher_->counters().overflows, 1U);
  EXPECT_EQ(listings(), 2U);
  directory_.Write("deferred/E/FFFFFF", MessageTo({"r@watched"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred), (Names{"new", "watched"}));
  EXPECT_EQ(listings(), 2U);
}

TEST_F(QueueWatcherTest, AnExchangedQueueIsListedAndWatchedAnew) {
  directory_.Write("deferred/AAAAAA", MessageTo({"r@old"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{"old"});
  directory_.Move("deferred", "deferred.away");
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{});
  directory_.MakeDirectory("deferred");
  directory_.Write("deferred/BBBBBB", MessageTo({"r@new"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{"new"});
  directory_.Write("deferred.away/CCCCCC", MessageTo({"r@away"}));
  directory_.Write("deferred/DDDDDD", MessageTo({"r@newer"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred), (Names{"new", "newer"}));
}

TEST_F(QueueWatcherTest, AHashDirectoryThatMovesTakesItsMessagesAlong) {
  directory_.MakeDirectory("deferred/A");
  directory_.MakeDirectory("hold/B");
  directory_.Write("deferred/A/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{"r"});
  directory_.Move("deferred/A", "hold/A");
  EXPECT_EQ(SettleAndList(Queue::kHold), Names{"r"});
  EXPECT_EQ(Recipients(Queue::kDeferred), Names{});
  directory_.Write("hold/A/BBBBBB", MessageTo({"r@later"}));
  EXPECT_EQ(SettleAndList(Queue::kHold), (Names{"later", "r"}));
  EXPECT_EQ(Recipients(Queue::kDeferred), Names{});
  std::filesystem::remove_all(directory_.path("hold/A"));
  EXPECT_EQ(SettleAndList(Queue::kHold), Names{});
}

TEST_F(QueueWatcherTest, WhatIsNoQueueFileDoesNotCountAndDoesNotBlock) {
  ASSERT_EQ(mkfifo(directory_.path("active/FIFOFIFO").c_str(), 0700), 0);
  ASSERT_EQ(symlink("/etc/passwd", directory_.path("active/LINKED1").c_str()), 0);
  directory_.Write("active/with.dot", MessageTo({"r@r"}));
  directory_.Write("active/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(SettleAndList(Queue::kActive), Names{"r"});
  EXPECT_FALSE(watcher_->unsettled());
  // A file that becomes something else is a message no more.
  directory_.Remove("active/AAAAAA");
  directory_.MakeDirectory("active/AAAAAA");
  EXPECT_EQ(SettleAndList(Queue::kActive), Names{});
}

TEST_F(QueueWatcherTest, FilesOfMaildropAreReadableForAllAndThatIsNoOddity) {
  directory_.Write("maildrop/AAAAAA", MessageTo({"r@r"}), 0744);
  directory_.Write("hold/BBBBBB", MessageTo({"r@r"}), 0750);
  SettleAndList(Queue::kHold);
  EXPECT_EQ(model_.file_counts().group_readable, 1U);
  EXPECT_EQ(model_.file_counts().force_expired, 1U);
}

TEST_F(QueueWatcherTest, AFileWithTwoNamesCountsOnce) {
  directory_.Write("deferred/AAAAAA", MessageTo({"r@r"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{"r"});
  ASSERT_EQ(
      link(directory_.path("deferred/AAAAAA").c_str(), directory_.path("hold/AAAAAA").c_str()), 0);
  EXPECT_EQ(SettleAndList(Queue::kHold).size() + Recipients(Queue::kDeferred).size(), 1U);
  directory_.Remove("deferred/AAAAAA");
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{});
  EXPECT_EQ(SettleAndList(Queue::kHold), Names{"r"});
}

TEST_F(QueueWatcherTest, AVerificationFindsWhatNoEventTold) {
  directory_.Write("deferred/AAAAAA", MessageTo({"r@stays"}));
  directory_.Write("deferred/BBBBBB", MessageTo({"r@isforgotten"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred), (Names{"isforgotten", "stays"}));
  EXPECT_EQ(watcher_->Verify(), absl::OkStatus());
  EXPECT_EQ(watcher_->counters().differences, 0U);

  // As if events had been lost: the model knows less and more than there is.
  const Place deferred = tree_.directories.PlaceOf(tree_.directories.Find("deferred"));
  model_.Remove(deferred, "BBBBBB");
  model_.Move(deferred, "AAAAAA", deferred, "CCCCCC");
  EXPECT_EQ(watcher_->Verify(), absl::OkStatus());
  EXPECT_EQ(watcher_->counters().differences, 3U);
  EXPECT_EQ(SettleAndList(Queue::kDeferred), (Names{"isforgotten", "stays"}));
}

TEST_F(QueueWatcherTest, AVerificationTakesNoNewsForADifference) {
  directory_.Write("deferred/AAAAAA", MessageTo({"a@a", "b@b"}));
  directory_.Write("deferred/BBBBBB", MessageTo({"r@goes"}));
  EXPECT_EQ(SettleAndList(Queue::kDeferred).size(), 3U);
  directory_.Write("deferred/CCCCCC", MessageTo({"r@comes"}));
  directory_.Remove("deferred/BBBBBB");
  directory_.Move("deferred/AAAAAA", "active/AAAAAA");
  directory_.MarkDelivered("active/AAAAAA", "a@a");
  EXPECT_EQ(watcher_->Verify(), absl::OkStatus());
  EXPECT_EQ(watcher_->counters().differences, 0U);
  EXPECT_EQ(SettleAndList(Queue::kDeferred), Names{"comes"});
  EXPECT_EQ(Recipients(Queue::kActive), Names{"b"});
}

// How many operations: a million with FLEETQSHAPE_LONG_TESTS.
int64_t ChurnSteps() {
  return std::getenv("FLEETQSHAPE_LONG_TESTS") == nullptr ? 30'000 : 1'000'000;
}

TEST_F(QueueWatcherTest, EqualsTheDirectoryAfterRandomChurn) {
  const uint64_t seed = test::FirstSeed();
  SCOPED_TRACE(test::SeedTrace(seed));
  test::RandomSource random(seed + 1);
  test::QueueChurn churn(&directory_, seed);
  for (int64_t step = 0; step < ChurnSteps(); ++step) {
    churn.Step();
    const int64_t what = random.Between(1, 20'000);
    if (what <= 2) {
      churn.FlushDeferred();
    } else if (what <= 4) {
      churn.Restart();
    } else if (what <= 6) {
      churn.SetHashDepth(static_cast<int>(random.Between(0, 2)));
    } else if (what <= 400) {
      watcher_->Drain();
    } else if (what <= 500) {
      ASSERT_EQ(watcher_->Settle(true), absl::OkStatus());
    } else if (what <= 510) {
      ASSERT_EQ(watcher_->Verify(), absl::OkStatus());
    }
    if (what <= 400 || what > 460) continue;
    ASSERT_EQ(watcher_->Settle(true), absl::OkStatus());
    const test::NamedCells expected = churn.Expected();
    ASSERT_EQ(test::CellsOfModel(model_), expected) << "after " << step << " steps";
    ASSERT_EQ(model_.digest(), test::DigestOf(expected));
  }
  ASSERT_EQ(watcher_->Settle(true), absl::OkStatus());
  ASSERT_EQ(test::CellsOfModel(model_), churn.Expected());
  EXPECT_EQ(watcher_->counters().differences, 0U) << "events tell everything";
  // A fresh listing finds the same.
  QueueModel fresh([](const Cell&, int64_t) {});
  QueueTree tree(directory_.path(), &fresh);
  ASSERT_EQ(QueueLister(&tree).Pass(), absl::OkStatus());
  EXPECT_EQ(fresh.digest(), model_.digest());
  EXPECT_EQ(fresh.file_counts(), model_.file_counts());
}

}  // namespace
}  // namespace fleetqshape
