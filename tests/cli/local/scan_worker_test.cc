#include "cli/local/scan_worker.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "common/base/file_descriptor.h"
#include "tests/support/queue_file_builder.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/unprivileged.h"

namespace fleetqshape {
namespace {

using postfix::Dialect;
using test::CleanupFile;
using test::PostdropFile;
using test::QueueFileBuilder;
using test::QueueMessage;
using test::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr int64_t kNow = 1'700'000'000;

std::string MessageOf(int64_t arrival, std::vector<std::string> recipients,
                      std::string sender = "sender@example.com") {
  QueueMessage message;
  message.time = std::to_string(arrival) + " 0";
  message.sender = std::move(sender);
  message.recipients = std::move(recipients);
  return CleanupFile(message);
}

// By how many files are counted at a time.
class ScanWorkerTest : public ::testing::TestWithParam<size_t> {
 protected:
  ScanWorkerTest() {
    question_.now_seconds = kNow;
    question_.buckets = AgeBuckets({3, 5, false});
  }

  // One file after the other in a directory, by one worker.
  void Count(const std::vector<std::string>& names) {
    ScanWorker worker(&question_, &seen_, GetParam());
    const FileDescriptor fd(open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    returned_.clear();
    for (const std::string& name : names)
      returned_.push_back(worker.TakeFile(fd.get(), name.c_str()));
    worker.Settle();
    counts_ = worker.counts();
    ShapeTable sum(question_.buckets.columns());
    worker.MergeTableInto(&sum);
    const Table table = sum.Finish({});
    total_ = table.total;
    rows_.clear();
    for (size_t i = 0; i < table.names.size(); ++i) {
      rows_[table.names[i]] = std::vector<uint64_t>(table.row(i), table.row(i) + table.columns);
    }
  }

  // What each TakeFile gave, if that counts each file at once; else it was too few files.
  void ExpectReturned(std::vector<size_t> at_once) {
    if (GetParam() > 1) at_once.assign(at_once.size(), 0);
    EXPECT_EQ(returned_, at_once);
  }

  TemporaryDirectory directory_;
  ScanQuestion question_;
  SeenFiles seen_;
  std::vector<size_t> returned_;
  ScanCounts counts_;
  std::vector<uint64_t> total_;
  std::map<std::string, std::vector<uint64_t>> rows_;
};

TEST(SeenFilesTest, EachFileIsNewOnce) {
  SeenFiles seen;
  EXPECT_TRUE(seen.Insert(1, 2));
  EXPECT_FALSE(seen.Insert(1, 2));
  EXPECT_TRUE(seen.Insert(2, 1));
  EXPECT_TRUE(seen.Insert(2, 2));
  EXPECT_TRUE(seen.Insert(1, 1));
  EXPECT_FALSE(seen.Insert(2, 1));
}

TEST(ScanCountsTest, AddingAddsEach) {
  ScanCounts a{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const ScanCounts b{10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
  a.Add(b);
  EXPECT_EQ(a.messages, 11U);
  EXPECT_EQ(a.force_expired, 22U);
  EXPECT_EQ(a.fresh_maildrop, 33U);
  EXPECT_EQ(a.no_recipients, 44U);
  EXPECT_EQ(a.not_ready, 55U);
  EXPECT_EQ(a.foreign, 66U);
  EXPECT_EQ(a.damaged, 77U);
  EXPECT_EQ(a.unreadable, 88U);
  EXPECT_EQ(a.vanished, 99U);
  EXPECT_EQ(a.seen_before, 110U);
}

TEST_P(ScanWorkerTest, CountsARecipientEachByItsDomainAndAge) {
  directory_.WriteFile("A1B2C3", MessageOf(kNow, {"a@Example.org", "b@example.org", "root"}));
  directory_.WriteFile("D4E5F6", MessageOf(kNow - 300, {"c@example.org"}));
  directory_.WriteFile("G7H8I9", MessageOf(kNow - 600, {"c@example.net"}));
  Count({"A1B2C3", "D4E5F6", "G7H8I9"});
  EXPECT_THAT(rows_, ElementsAre(Pair("example.net", ElementsAre(1, 0, 0, 1)),
                                 Pair("example.org", ElementsAre(3, 2, 1, 0)),
                                 Pair("root", ElementsAre(1, 1, 0, 0))));
  EXPECT_THAT(total_, ElementsAre(5, 3, 1, 1));
  EXPECT_EQ(counts_.messages, 3U);
  ExpectReturned({1, 1, 1});
}

TEST_P(ScanWorkerTest, CountsAMessageEachByItsSender) {
  question_.axis = Axis::kSenderDomain;
  directory_.WriteFile("A1B2C3", MessageOf(kNow, {"a@x", "b@x"}, "me@Example.com"));
  directory_.WriteFile("D4E5F6", MessageOf(kNow - 600, {"a@x"}, ""));
  Count({"A1B2C3", "D4E5F6"});
  EXPECT_THAT(rows_, ElementsAre(Pair("MAILER-DAEMON", ElementsAre(1, 0, 0, 1)),
                                 Pair("example.com", ElementsAre(1, 1, 0, 0))));
  EXPECT_THAT(total_, ElementsAre(2, 1, 0, 1));
}

TEST_P(ScanWorkerTest, AForceExpiredMessageCountsForPostfixOnly) {
  directory_.WriteFile("A1B2C3", MessageOf(kNow, {"a@x"}), 0750);
  Count({"A1B2C3"});
  EXPECT_EQ(counts_.messages, 1U);
  EXPECT_EQ(counts_.force_expired, 1U);
  EXPECT_EQ(counts_.not_ready, 0U);
  question_.dialect = Dialect::kQshape;
  Count({"A1B2C3"});
  EXPECT_EQ(counts_.messages, 0U);
  EXPECT_EQ(counts_.not_ready, 1U);
  ExpectReturned({0});
}

TEST_P(ScanWorkerTest, AMessageThatIsBeingWrittenDoesNotCount) {
  directory_.WriteFile("A1B2C3", MessageOf(kNow, {"a@x"}), 0600);
  for (const Dialect dialect : {Dialect::kPostfix, Dialect::kQshape}) {
    question_.dialect = dialect;
    Count({"A1B2C3"});
    EXPECT_EQ(counts_.messages, 0U);
    EXPECT_EQ(counts_.not_ready, 1U);
    EXPECT_THAT(rows_, IsEmpty());
  }
}

TEST_P(ScanWorkerTest, AFreshMaildropFileCountsForPostfix) {
  directory_.WriteFile("A1B2C3", PostdropFile({}), 0744);
  Count({"A1B2C3"});
  EXPECT_EQ(counts_.messages, 1U);
  EXPECT_EQ(counts_.fresh_maildrop, 1U);
  EXPECT_THAT(rows_, ElementsAre(Pair("example.org", ElementsAre(1, 1, 0, 0))));
}

TEST_P(ScanWorkerTest, AFreshMaildropFileIsABounceFromTheEpochForQshape) {
  question_.dialect = Dialect::kQshape;
  directory_.WriteFile("A1B2C3", PostdropFile({}), 0744);
  directory_.WriteFile("EMPTY0", "", 0700);
  Count({"A1B2C3", "EMPTY0"});
  EXPECT_EQ(counts_.foreign, 2U);
  EXPECT_THAT(rows_, IsEmpty());  // of recipients it sees none
  EXPECT_THAT(total_, ElementsAre(0, 0, 0, 0));
  question_.axis = Axis::kSenderDomain;
  Count({"A1B2C3", "EMPTY0"});
  EXPECT_EQ(counts_.foreign, 2U);
  EXPECT_EQ(counts_.messages, 0U);
  EXPECT_THAT(rows_, ElementsAre(Pair("MAILER-DAEMON", ElementsAre(2, 0, 0, 2))));
  EXPECT_THAT(total_, ElementsAre(2, 0, 0, 2));
  ExpectReturned({1, 1});
}

TEST_P(ScanWorkerTest, AForeignFileIsNothingToPostfix) {
  question_.axis = Axis::kSenderDomain;
  directory_.WriteFile("A1B2C3", "junk");
  Count({"A1B2C3"});
  EXPECT_EQ(counts_.foreign, 1U);
  EXPECT_THAT(rows_, IsEmpty());
  ExpectReturned({0});
}

TEST_P(ScanWorkerTest, TellsDamagedAndFinishedMessagesApart) {
  const std::string bytes = MessageOf(kNow, {"a@x"});
  directory_.WriteFile("DAMAGE", bytes.substr(0, bytes.size() - 10));
  directory_.WriteFile("NOBODY", MessageOf(kNow, {}));
  Count({"DAMAGE", "NOBODY"});
  EXPECT_EQ(counts_.damaged, 1U);
  EXPECT_EQ(counts_.no_recipients, 1U);
  EXPECT_EQ(counts_.messages, 0U);
  EXPECT_THAT(rows_, IsEmpty());
  ExpectReturned({0, 0});
}

TEST_P(ScanWorkerTest, WhatIsGoneHasVanished) {
  Count({"A1B2C3"});
  EXPECT_EQ(counts_.vanished, 1U);
  EXPECT_EQ(counts_.unreadable, 0U);
}

TEST_P(ScanWorkerTest, WhatMayNotBeReadIsUnreadable) {
  directory_.WriteFile("A1B2C3", MessageOf(kNow, {"a@x"}), 0);
  const test::UnprivilegedFileAccess unprivileged;
  Count({"A1B2C3"});
  EXPECT_EQ(counts_.unreadable, 1U);
  EXPECT_EQ(counts_.vanished, 0U);
}

TEST_P(ScanWorkerTest, WhatIsNoRegularFileIsNotMentioned) {
  directory_.WriteFile("A1B2C3", MessageOf(kNow, {"a@x"}));
  std::filesystem::create_symlink("A1B2C3", directory_.path("LINK00"));
  ASSERT_EQ(mkfifo(directory_.path("FIFO00").c_str(), 0700), 0);
  directory_.MakeDirectory("DIRECT");
  Count({"LINK00", "FIFO00", "DIRECT"});
  EXPECT_EQ(counts_.messages + counts_.vanished + counts_.unreadable + counts_.foreign +
                counts_.damaged + counts_.not_ready,
            0U);
}

TEST_P(ScanWorkerTest, AHardLinkCountsOnceForPostfixAndTwiceForQshape) {
  directory_.WriteFile("A1B2C3", MessageOf(kNow, {"a@x"}));
  std::filesystem::create_hard_link(directory_.path("A1B2C3"), directory_.path("D4E5F6"));
  Count({"A1B2C3", "D4E5F6"});
  EXPECT_EQ(counts_.messages, 1U);
  EXPECT_EQ(counts_.seen_before, 1U);
  EXPECT_THAT(total_, ElementsAre(1, 1, 0, 0));
  question_.dialect = Dialect::kQshape;
  Count({"A1B2C3", "D4E5F6"});
  EXPECT_EQ(counts_.messages, 2U);
  EXPECT_EQ(counts_.seen_before, 0U);
}

TEST_P(ScanWorkerTest, FilesThatMayRepeatAreCountedOnce) {
  directory_.WriteFile("A1B2C3", MessageOf(kNow, {"a@x"}));
  question_.files_may_repeat = true;
  Count({"A1B2C3", "A1B2C3"});
  EXPECT_EQ(counts_.messages, 1U);
  EXPECT_EQ(counts_.seen_before, 1U);
}

// qshape takes any number for a time; agents report whole seconds, and so does a local scan.
TEST_P(ScanWorkerTest, OnlyQshapeCountsFractionsOfSeconds) {
  QueueMessage message;
  message.time = std::to_string(kNow - 300) + ".5";  // 299.5 s old
  directory_.WriteFile("A1B2C3", CleanupFile(message));
  Count({"A1B2C3"});
  EXPECT_THAT(total_, ElementsAre(1, 0, 1, 0));  // 300 s
  question_.dialect = Dialect::kQshape;
  Count({"A1B2C3"});
  EXPECT_THAT(total_, ElementsAre(1, 1, 0, 0));
}

TEST_P(ScanWorkerTest, OddArrivalsHaveABucket) {
  const auto bucket_of = [&](const char* time) {
    QueueMessage message;
    message.time = time;
    directory_.WriteFile("A1B2C3", CleanupFile(message));
    Count({"A1B2C3"});
    return std::find(total_.begin() + 1, total_.end(), 1) - total_.begin();
  };
  for (const Dialect dialect : {Dialect::kPostfix, Dialect::kQshape}) {
    question_.dialect = dialect;
    EXPECT_EQ(bucket_of("99999999999"), 1);  // yet to come
    EXPECT_EQ(bucket_of("inf"), 1);
    EXPECT_EQ(bucket_of("-inf"), 3);
    EXPECT_EQ(bucket_of("nan"), 3);
    EXPECT_EQ(bucket_of("x"), 3);
  }
}

TEST_P(ScanWorkerTest, LeavesNoFilesOpen) {
  for (int i = 0; i < 100; ++i) {
    directory_.WriteFile("FILE" + std::to_string(100 + i), MessageOf(kNow, {"a@x"}),
                         i % 3 ? 0700 : 0600);
  }
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = open_files();
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("FILE" + std::to_string(100 + i));
  Count(names);
  EXPECT_EQ(open_files(), before);
}

TEST_P(ScanWorkerTest, ManyFilesOfAllKindsAreCountedInTheirTurn) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) {
    names.push_back("FILE" + std::to_string(100 + i));
    // Some longer than what is read of a file at first, so that the rest of it comes later.
    const std::string local(i % 3 == 0 ? 1500 : 10, 'x');
    std::string bytes = MessageOf(kNow, {local + "@D" + std::to_string(i % 5) + ".example"});
    if (i % 10 == 7) bytes.resize(bytes.size() / 2);
    if (i % 10 == 9) bytes = "junk";
    directory_.WriteFile(names.back(), bytes);
    if (i % 10 == 8) chmod(directory_.path(names.back()).c_str(), 0600);
  }
  names.insert(names.begin() + 50, "GONE00");
  Count(names);
  EXPECT_EQ(counts_.messages, 70U);
  EXPECT_EQ(counts_.damaged, 10U);
  EXPECT_EQ(counts_.not_ready, 10U);
  EXPECT_EQ(counts_.foreign, 10U);
  EXPECT_EQ(counts_.vanished, 1U);
  EXPECT_THAT(rows_, ElementsAre(Pair("d0.example", ElementsAre(20, 20, 0, 0)),
                                 Pair("d1.example", ElementsAre(20, 20, 0, 0)),
                                 Pair("d2.example", ElementsAre(10, 10, 0, 0)),
                                 Pair("d3.example", ElementsAre(10, 10, 0, 0)),
                                 Pair("d4.example", ElementsAre(10, 10, 0, 0))));
  // All but what is left to Settle.
  const size_t returned = std::accumulate(returned_.begin(), returned_.end(), size_t{0});
  EXPECT_GE(returned, GetParam() == 1 ? 70U : 60U);
  EXPECT_LE(returned, 70U);
}

INSTANTIATE_TEST_SUITE_P(AtATime, ScanWorkerTest,
                         ::testing::Values(1, 7, ScanWorker::kMostAtATime));

}  // namespace
}  // namespace fleetqshape
