#include "cli/local/queue_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/file_descriptor.h"
#include "tests/support/queue_file_builder.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/unprivileged.h"

namespace fleetqshape {
namespace {

using postfix::Dialect;
using test::CleanupFile;
using test::QueueMessage;
using test::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr int64_t kNow = 1'700'000'000;

std::string MessageTo(const std::string& domain) {
  QueueMessage message;
  message.time = std::to_string(kNow);
  message.recipients = {"user@" + domain};
  return CleanupFile(message);
}

std::map<std::string, uint64_t> SumsOf(const ShapeTable& shape) {
  const Table table = shape.Finish({});
  std::map<std::string, uint64_t> sums;
  for (size_t i = 0; i < table.names.size(); ++i) sums[table.names[i]] = table.row(i)[0];
  return sums;
}

uint64_t TotalOf(const ShapeTable& shape) { return shape.Finish({}).total[0]; }

class QueueScanTest : public ::testing::Test {
 protected:
  QueueScanTest() { options_.question.now_seconds = kNow; }

  ScanResult Scan(std::vector<std::string> paths, Dialect dialect = Dialect::kPostfix) {
    options_.paths = std::move(paths);
    options_.question.dialect = dialect;
    options_.question.files_may_repeat = options_.paths.size() > 1;
    return ScanQueues(options_);
  }

  TemporaryDirectory directory_;
  ScanOptions options_;
};

TEST_F(QueueScanTest, AnEmptyQueueHasNothing) {
  const ScanResult result = Scan({directory_.path()});
  EXPECT_EQ(TotalOf(result.table), 0U);
  EXPECT_THAT(SumsOf(result.table), IsEmpty());
  EXPECT_THAT(result.warnings, IsEmpty());
}

TEST_F(QueueScanTest, NoPathsAreNoQueue) {
  const ScanResult result = Scan({});
  EXPECT_EQ(TotalOf(result.table), 0U);
  EXPECT_THAT(result.warnings, IsEmpty());
}

TEST_F(QueueScanTest, FilesAreFoundAtAnyDepth) {
  directory_.MakeDirectory("A/B/C/D/E");
  directory_.MakeDirectory("not-a-queue-name.d");
  directory_.WriteFile("A1B2C3", MessageTo("top.example"));
  directory_.WriteFile("A/A1B2C3", MessageTo("one.example"));
  directory_.WriteFile("A/B/C/D/E/A1B2C3", MessageTo("five.example"));
  directory_.WriteFile("not-a-queue-name.d/A1B2C3", MessageTo("one.example"));
  for (const Dialect dialect : {Dialect::kPostfix, Dialect::kQshape}) {
    const ScanResult result = Scan({directory_.path()}, dialect);
    EXPECT_THAT(SumsOf(result.table), ElementsAre(Pair("five.example", 1), Pair("one.example", 2),
                                                  Pair("top.example", 1)));
    EXPECT_EQ(result.counts.messages, 4U);
    EXPECT_THAT(result.warnings, IsEmpty());
  }
}

TEST_F(QueueScanTest, OnlyFilesWithAQueueFilesNameCount) {
  for (const char* name : {"SHORT", "with.dot", "123456.789", "under_score", "queue file"}) {
    directory_.WriteFile(name, MessageTo("trap.example"));
  }
  directory_.WriteFile("NEWLINE\n", MessageTo("newline.example"));
  EXPECT_THAT(SumsOf(Scan({directory_.path()}).table), IsEmpty());
  EXPECT_THAT(SumsOf(Scan({directory_.path()}, Dialect::kQshape).table),
              ElementsAre(Pair("newline.example", 1)));
}

TEST_F(QueueScanTest, LinksAndFifosArePassedOver) {
  directory_.MakeDirectory("queue");
  directory_.MakeDirectory("elsewhere");
  directory_.WriteFile("queue/A1B2C3", MessageTo("a.example"));
  directory_.WriteFile("elsewhere/D4E5F6", MessageTo("trap.example"));
  std::filesystem::create_symlink("../elsewhere", directory_.path("queue/LINKDIR"));
  std::filesystem::create_symlink("../elsewhere/D4E5F6", directory_.path("queue/LINKED"));
  std::filesystem::create_symlink("A1B2C3", directory_.path("queue/LINKED2"));
  std::filesystem::create_symlink("nowhere", directory_.path("queue/DANGLING"));
  ASSERT_EQ(mkfifo(directory_.path("queue/FIFO00").c_str(), 0700), 0);
  for (const Dialect dialect : {Dialect::kPostfix, Dialect::kQshape}) {
    const ScanResult result = Scan({directory_.path("queue")}, dialect);
    EXPECT_THAT(SumsOf(result.table), ElementsAre(Pair("a.example", 1)));
    EXPECT_EQ(result.counts.unreadable + result.counts.vanished + result.counts.foreign, 0U);
    EXPECT_THAT(result.warnings, IsEmpty());
  }
}

TEST_F(QueueScanTest, OnlyRegularFilesAreOpened) {
  directory_.WriteFile("A1B2C3", MessageTo("a.example"));
  directory_.WriteFile("with.dot", MessageTo("trap.example"));
  ASSERT_EQ(mkfifo(directory_.path("FIFO00").c_str(), 0700), 0);
  const FileDescriptor watch(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(inotify_add_watch(watch.get(), directory_.path().c_str(), IN_OPEN), 0);
  Scan({directory_.path()});
  alignas(inotify_event) char events[4096];
  const ssize_t length = read(watch.get(), events, sizeof events);
  std::set<std::string> opened;
  for (ssize_t offset = 0; offset < length;) {
    const auto* event = reinterpret_cast<const inotify_event*>(events + offset);
    if (event->len > 0) opened.insert(event->name);
    offset += static_cast<ssize_t>(sizeof *event + event->len);
  }
  EXPECT_THAT(opened, ElementsAre("A1B2C3"));
}

TEST_F(QueueScanTest, AQueueThatIsALinkIsFollowedOnlyWithASlash) {
  directory_.MakeDirectory("queue/A");
  directory_.WriteFile("queue/A/A1B2C3", MessageTo("a.example"));
  std::filesystem::create_symlink("queue", directory_.path("link"));
  const ScanResult link = Scan({directory_.path("link")});
  EXPECT_EQ(TotalOf(link.table), 0U);
  EXPECT_THAT(link.warnings, IsEmpty());
  EXPECT_EQ(TotalOf(Scan({directory_.path("link/")}).table), 1U);
}

TEST_F(QueueScanTest, AQueueNamedTwiceCountsOnceForPostfixAndTwiceForQshape) {
  directory_.MakeDirectory("A");
  directory_.WriteFile("A1B2C3", MessageTo("a.example"));
  directory_.WriteFile("A/D4E5F6", MessageTo("b.example"));
  const std::vector<std::string> paths = {directory_.path(), directory_.path()};
  const ScanResult once = Scan(paths);
  EXPECT_THAT(SumsOf(once.table), ElementsAre(Pair("a.example", 1), Pair("b.example", 1)));
  EXPECT_EQ(once.counts.messages, 2U);
  EXPECT_EQ(once.counts.seen_before, 2U);
  const ScanResult twice = Scan(paths, Dialect::kQshape);
  EXPECT_THAT(SumsOf(twice.table), ElementsAre(Pair("a.example", 2), Pair("b.example", 2)));
  EXPECT_EQ(twice.counts.seen_before, 0U);
}

TEST_F(QueueScanTest, AQueueAndAPartOfItCountOnceForPostfix) {
  directory_.MakeDirectory("A");
  directory_.WriteFile("A/A1B2C3", MessageTo("a.example"));
  const std::vector<std::string> paths = {directory_.path(), directory_.path("A"),
                                          directory_.path("A/A1B2C3")};
  EXPECT_EQ(TotalOf(Scan(paths).table), 1U);
  EXPECT_EQ(TotalOf(Scan(paths, Dialect::kQshape).table), 3U);
}

TEST_F(QueueScanTest, AHardLinkCountsOnceForPostfixAndTwiceForQshape) {
  directory_.MakeDirectory("A");
  directory_.WriteFile("A1B2C3", MessageTo("a.example"));
  std::filesystem::create_hard_link(directory_.path("A1B2C3"), directory_.path("A/A1B2C3"));
  const ScanResult once = Scan({directory_.path()});
  EXPECT_EQ(TotalOf(once.table), 1U);
  EXPECT_EQ(once.counts.seen_before, 1U);
  EXPECT_EQ(TotalOf(Scan({directory_.path()}, Dialect::kQshape).table), 2U);
}

TEST_F(QueueScanTest, SeveralQueuesAreSummedUp) {
  for (const char* queue : {"incoming", "active"}) {
    directory_.MakeDirectory(queue);
    directory_.WriteFile(std::string(queue) + "/A1B2C3", MessageTo("a.example"));
  }
  EXPECT_THAT(SumsOf(Scan({directory_.path("incoming"), directory_.path("active")}).table),
              ElementsAre(Pair("a.example", 2)));
}

TEST_F(QueueScanTest, APlainFileIsRead) {
  const std::string path = directory_.WriteFile("A1B2C3", MessageTo("a.example"));
  const std::string other = directory_.WriteFile("with.dot", MessageTo("trap.example"));
  const ScanResult result = Scan({path, other});
  EXPECT_THAT(SumsOf(result.table), ElementsAre(Pair("a.example", 1)));
  EXPECT_THAT(result.warnings, IsEmpty());
}

TEST_F(QueueScanTest, WhatDoesNotExistIsWarnedOf) {
  directory_.WriteFile("A1B2C3", MessageTo("a.example"));
  const ScanResult result = Scan({directory_.path("none"), directory_.path()});
  EXPECT_THAT(result.warnings, ElementsAre(AllOf(HasSubstr(directory_.path("none")),
                                                 HasSubstr("No such file or directory"))));
  EXPECT_EQ(TotalOf(result.table), 1U);
}

TEST_F(QueueScanTest, DirectoriesThatMayNotBeReadAreWarnedOfAndTheRestIsCounted) {
  directory_.MakeDirectory("queue/CLOSED");
  directory_.MakeDirectory("queue/OPEN");
  directory_.MakeDirectory("closed");
  directory_.WriteFile("queue/CLOSED/A1B2C3", MessageTo("a.example"));
  directory_.WriteFile("queue/OPEN/A1B2C3", MessageTo("b.example"), 0744);
  ASSERT_EQ(chmod(directory_.path("queue/CLOSED").c_str(), 0), 0);
  ASSERT_EQ(chmod(directory_.path("closed").c_str(), 0), 0);
  {
    const test::UnprivilegedFileAccess unprivileged;
    ScanResult result = Scan({directory_.path("closed"), directory_.path("queue")});
    std::sort(result.warnings.begin(), result.warnings.end());
    EXPECT_THAT(
        result.warnings,
        ElementsAre(
            AllOf(HasSubstr(directory_.path("closed")), HasSubstr("Permission denied")),
            AllOf(HasSubstr(directory_.path("queue/CLOSED")), HasSubstr("Permission denied"))));
    EXPECT_THAT(SumsOf(result.table), ElementsAre(Pair("b.example", 1)));
  }
  chmod(directory_.path("queue/CLOSED").c_str(), 0700);
  chmod(directory_.path("closed").c_str(), 0700);
}

TEST_F(QueueScanTest, FilesThatMayNotBeReadAreCountedAsSuch) {
  directory_.WriteFile("A1B2C3", MessageTo("a.example"), 0700);
  const bool readable = test::UnprivilegedFileAccess::IsOwner();
  const test::UnprivilegedFileAccess unprivileged;
  const ScanResult result = Scan({directory_.path()});
  EXPECT_EQ(result.counts.unreadable, readable ? 0U : 1U);
  EXPECT_EQ(TotalOf(result.table), readable ? 1U : 0U);
}

TEST_F(QueueScanTest, ManyFilesCountTheSameWithAnyNumberOfThreads) {
  // More directories than are open at a time, and directories of more than one listing each.
  constexpr int kDirectories = 520;
  constexpr int kMessages = 1040;
  for (int i = 0; i < kDirectories; ++i) directory_.MakeDirectory("D" + std::to_string(i));
  for (int i = 0; i < kMessages; ++i) {
    const std::string directory = i % 2 == 0 ? "D0" : "D" + std::to_string(i % kDirectories);
    directory_.WriteFile(directory + "/FILE" + std::to_string(10'000 + i),
                         MessageTo("d" + std::to_string(i % 7) + ".example"));
  }
  std::map<std::string, uint64_t> expected;
  for (int i = 0; i < kMessages; ++i) ++expected["d" + std::to_string(i % 7) + ".example"];
  for (const int threads : {0, 1, 2, 5}) {
    options_.threads = threads;
    const ScanResult result = Scan({directory_.path()});
    EXPECT_EQ(SumsOf(result.table), expected) << threads;
    EXPECT_EQ(TotalOf(result.table), static_cast<uint64_t>(kMessages));
    EXPECT_EQ(result.counts.messages, static_cast<uint64_t>(kMessages));
    EXPECT_EQ(result.counts.vanished + result.counts.unreadable, 0U);
    EXPECT_THAT(result.warnings, IsEmpty());
  }
}

TEST_F(QueueScanTest, RepeatedFilesAreCountedOnceByAnyNumberOfThreads) {
  for (int i = 0; i < 300; ++i) {
    directory_.WriteFile("FILE" + std::to_string(10'000 + i), MessageTo("a.example"));
  }
  options_.threads = 4;
  const ScanResult result = Scan({directory_.path(), directory_.path(), directory_.path()});
  EXPECT_EQ(TotalOf(result.table), 300U);
  EXPECT_EQ(result.counts.seen_before, 600U);
}

TEST_F(QueueScanTest, ProgressIsToldAfterEachSoManyMessages) {
  for (int i = 0; i < 25; ++i) {
    directory_.WriteFile("FILE" + std::to_string(100 + i), MessageTo("a.example"));
  }
  for (int i = 0; i < 12; ++i) directory_.WriteFile("FOREIGN" + std::to_string(i), "junk");
  options_.progress_messages = 10;
  std::vector<uint64_t> totals;
  options_.on_progress = [&](const ShapeTable& table) { totals.push_back(TotalOf(table)); };
  const ScanResult result = Scan({directory_.path()});
  EXPECT_THAT(totals, ElementsAre(10, 20));
  EXPECT_EQ(TotalOf(result.table), 25U);
}

TEST_F(QueueScanTest, ProgressIsToldByOneThreadAtATime) {
  // A directory that is read at once is one thread's.
  for (int i = 0; i < 8; ++i) directory_.MakeDirectory("D" + std::to_string(i));
  for (int i = 0; i < 300; ++i) {
    directory_.WriteFile("D" + std::to_string(i % 8) + "/FILE" + std::to_string(100 + i),
                         MessageTo("a.example"));
  }
  options_.threads = 4;
  options_.progress_messages = 2;
  std::mutex telling;
  int calls = 0;
  uint64_t most = 0;
  options_.on_progress = [&](const ShapeTable& table) {
    const std::unique_lock<std::mutex> alone(telling, std::try_to_lock);
    EXPECT_TRUE(alone.owns_lock());
    // Whoever else may come has a chance to.
    for (int i = 0; i < 50; ++i) std::this_thread::yield();
    ++calls;
    EXPECT_GE(TotalOf(table), most);
    most = TotalOf(table);
  };
  EXPECT_EQ(TotalOf(Scan({directory_.path()}).table), 300U);
  EXPECT_EQ(calls, 150);
}

TEST_F(QueueScanTest, WithoutProgressNobodyIsCalled) {
  directory_.WriteFile("A1B2C3", MessageTo("a.example"));
  options_.on_progress = [](const ShapeTable&) { ADD_FAILURE(); };
  Scan({directory_.path()});
}

TEST_F(QueueScanTest, ForeignFilesCountTowardsProgressForQshape) {
  for (int i = 0; i < 4; ++i) directory_.WriteFile("FILE0" + std::to_string(i), "junk");
  options_.progress_messages = 2;
  options_.question.axis = Axis::kSenderDomain;
  std::vector<uint64_t> totals;
  options_.on_progress = [&](const ShapeTable& table) { totals.push_back(TotalOf(table)); };
  Scan({directory_.path()}, Dialect::kQshape);
  EXPECT_THAT(totals, ElementsAre(2, 4));
}

TEST_F(QueueScanTest, LeavesNoFilesOpen) {
  directory_.MakeDirectory("A");
  directory_.WriteFile("A/A1B2C3", MessageTo("a.example"));
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = open_files();
  options_.threads = 3;
  Scan({directory_.path(), directory_.path("A/A1B2C3"), directory_.path("none")});
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace fleetqshape
