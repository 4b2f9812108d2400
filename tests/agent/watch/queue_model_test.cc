#include "agent/watch/queue_model.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/shape/address.h"
#include "tests/support/envelope_maker.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::CellsOfModel;
using test::DigestOf;
using test::EnvelopeMaker;
using test::NamedCell;
using test::NamedCells;

constexpr Axis kRecipient = Axis::kRecipientDomain;
constexpr Axis kSender = Axis::kSenderDomain;
const std::set<Queue> kAll(kAllQueues.begin(), kAllQueues.end());

QueueModel::FileVersion VersionIn(Queue queue, int64_t ctime = 1, int64_t size = 100) {
  return {queue, ctime, size};
}

// A model, and what its observer was told in sum.
class QueueModelTest : public ::testing::Test {
 protected:
  void Put(ino_t inode, Queue queue, int64_t arrival, const std::string& sender,
           const std::vector<std::string>& recipients) {
    model_.Put(inode, VersionIn(queue), envelopes_.Make(arrival, sender, recipients));
  }

  // The model holds exactly these arrivals, in all that it tells of them.
  void ExpectCells(const NamedCells& expected) {
    EXPECT_EQ(CellsOfModel(model_), expected);
    EXPECT_EQ(model_.digest(), DigestOf(expected));
    EXPECT_EQ(observed_, expected);
  }

  NamedCells observed_;
  EnvelopeMaker envelopes_;
  QueueModel model_{[this](const Cell& cell, int change) {
    const NamedCell named{cell.queue, cell.axis, std::string(model_.names().name(cell.name_id)),
                          cell.arrival};
    if (change == 1) {
      observed_.insert(named);
      return;
    }
    ASSERT_EQ(change, -1);
    const auto found = observed_.find(named);
    ASSERT_NE(found, observed_.end()) << "lost, but never gained: " << named;
    observed_.erase(found);
  }};
};

TEST_F(QueueModelTest, AnEmptyModelHasDigestZeroAndEmptyBlocks) {
  ExpectCells({});
  EXPECT_EQ(model_.digest(), 0U);
  EXPECT_EQ(model_.MakeBlock(Queue::kActive, kSender), Block());
  EXPECT_EQ(model_.message_count(), 0U);
}

TEST_F(QueueModelTest, AMessageCountsOnceForItsSenderAndOnceForEachRecipient) {
  Put(7, Queue::kDeferred, 1000, "s@Sender.example", {"a@one.example", "b@two.example"});
  ExpectCells({{Queue::kDeferred, kSender, "sender.example", 1000},
               {Queue::kDeferred, kRecipient, "one.example", 1000},
               {Queue::kDeferred, kRecipient, "two.example", 1000}});
  EXPECT_EQ(model_.message_count(), 1U);
}

TEST_F(QueueModelTest, EachRecipientOfADomainCountsHoweverTheyAreOrdered) {
  Put(7, Queue::kActive, 5, "", {"a@x.example", "b@y.example", "c@x.example", "d@X.example"});
  ExpectCells({{Queue::kActive, kSender, "MAILER-DAEMON", 5},
               {Queue::kActive, kRecipient, "x.example", 5},
               {Queue::kActive, kRecipient, "x.example", 5},
               {Queue::kActive, kRecipient, "x.example", 5},
               {Queue::kActive, kRecipient, "y.example", 5}});
  Put(7, Queue::kActive, 5, "", {"c@x.example"});
  ExpectCells({{Queue::kActive, kSender, "MAILER-DAEMON", 5},
               {Queue::kActive, kRecipient, "x.example", 5}});
}

TEST_F(QueueModelTest, ANameTooLongToBeReportedIsCut) {
  const std::string longest(kMaxReportedNameLength, 'a');
  Put(7, Queue::kActive, 5, "s@" + longest, {"r@" + longest + "b", "q@" + longest + "c"});
  ExpectCells({{Queue::kActive, kSender, longest, 5},
               {Queue::kActive, kRecipient, longest, 5},
               {Queue::kActive, kRecipient, longest, 5}});
}

TEST_F(QueueModelTest, AMessageThatMovesIsInOneQueueOnly) {
  Put(7, Queue::kIncoming, 5, "s@s", {"r@r"});
  Put(7, Queue::kActive, 5, "s@s", {"r@r"});
  ExpectCells({{Queue::kActive, kSender, "s", 5}, {Queue::kActive, kRecipient, "r", 5}});
  EXPECT_EQ(model_.message_count(), 1U);
}

TEST_F(QueueModelTest, AFileThatHoldsNoMessageAnyMoreTakesItsArrivalsAlong) {
  Put(7, Queue::kActive, 5, "s@s", {"r@r"});
  model_.Put(7, VersionIn(Queue::kActive, 2), nullptr);
  ExpectCells({});
  EXPECT_EQ(model_.message_count(), 0U);
  EXPECT_EQ(model_.names().used(), 0U);
}

TEST_F(QueueModelTest, AFileWithoutAMessageIsKnownAllTheSame) {
  model_.BeginPass();
  model_.Put(7, VersionIn(Queue::kActive), nullptr);
  model_.EndPass(kAll);
  model_.BeginPass();
  EXPECT_TRUE(model_.See(7, VersionIn(Queue::kActive)));
  model_.EndPass(kAll);
  model_.BeginPass();
  model_.EndPass(kAll);
  model_.BeginPass();
  EXPECT_FALSE(model_.See(7, VersionIn(Queue::kActive)));
}

TEST_F(QueueModelTest, AFileIsKnownInTheVersionThatWasPutOnly) {
  EXPECT_FALSE(model_.See(7, VersionIn(Queue::kActive, 1, 100)));
  model_.Put(7, VersionIn(Queue::kActive, 1, 100), envelopes_.Make(5, "s@s", {"r@r"}));
  EXPECT_TRUE(model_.See(7, VersionIn(Queue::kActive, 1, 100)));
  EXPECT_FALSE(model_.See(7, VersionIn(Queue::kDeferred, 1, 100)));
  EXPECT_FALSE(model_.See(7, VersionIn(Queue::kActive, 2, 100)));
  EXPECT_FALSE(model_.See(7, VersionIn(Queue::kActive, 1, 101)));
  EXPECT_FALSE(model_.See(8, VersionIn(Queue::kActive, 1, 100)));
}

TEST_F(QueueModelTest, APassRemovesWhatItNeitherPutNorSaw) {
  model_.BeginPass();
  Put(1, Queue::kActive, 1, "s@s", {"put@again"});
  Put(2, Queue::kActive, 2, "s@s", {"is@seen"});
  Put(3, Queue::kActive, 3, "s@s", {"is@gone"});
  Put(4, Queue::kActive, 4, "s@s", {"seen@inanotherversion"});
  model_.EndPass(kAll);
  EXPECT_EQ(model_.message_count(), 4U);

  model_.BeginPass();
  Put(1, Queue::kActive, 1, "s@s", {"put@again"});
  EXPECT_TRUE(model_.See(2, VersionIn(Queue::kActive)));
  EXPECT_FALSE(model_.See(4, VersionIn(Queue::kActive, 99)));
  model_.EndPass(kAll);
  ExpectCells({{Queue::kActive, kSender, "s", 1},
               {Queue::kActive, kRecipient, "again", 1},
               {Queue::kActive, kSender, "s", 2},
               {Queue::kActive, kRecipient, "seen", 2}});
}

TEST_F(QueueModelTest, APassRemovesNothingFromQueuesThatWereNotListed) {
  Put(1, Queue::kActive, 1, "s@s", {"listed@active"});
  Put(2, Queue::kHold, 2, "s@s", {"not@hold"});
  Put(3, Queue::kDeferred, 3, "s@s", {"moves@fromdeferred"});
  model_.BeginPass();
  Put(3, Queue::kActive, 3, "s@s", {"moves@fromdeferred"});
  model_.EndPass({Queue::kActive, Queue::kIncoming});
  ExpectCells({{Queue::kHold, kSender, "s", 2},
               {Queue::kHold, kRecipient, "hold", 2},
               {Queue::kActive, kSender, "s", 3},
               {Queue::kActive, kRecipient, "fromdeferred", 3}});
  EXPECT_TRUE(model_.See(2, VersionIn(Queue::kHold))) << "it is still known";
}

TEST_F(QueueModelTest, APassThatNeverEndsRemovesNothing) {
  model_.BeginPass();
  Put(1, Queue::kActive, 1, "s@s", {"r@r"});
  model_.EndPass(kAll);
  model_.BeginPass();
  model_.BeginPass();
  EXPECT_EQ(model_.message_count(), 1U);
  EXPECT_TRUE(model_.See(1, VersionIn(Queue::kActive)));
  model_.EndPass(kAll);
  EXPECT_EQ(model_.message_count(), 1U);
}

TEST_F(QueueModelTest, RenewedNamesAreThoseInUseAndChangeNothingElse) {
  Put(1, Queue::kActive, 1, "s@gone", {"r@gone2", "r@stays"});
  Put(1, Queue::kActive, 1, "s@s", {"b@stays", "a@r", "c@stays"});
  model_.Put(2, VersionIn(Queue::kActive), nullptr);
  const NamedCells before = CellsOfModel(model_);
  const uint64_t digest = model_.digest();
  ASSERT_EQ(model_.names().size(), 5U);

  model_.RenewNames();
  EXPECT_EQ(CellsOfModel(model_), before);
  EXPECT_EQ(model_.digest(), digest);
  EXPECT_EQ(model_.names().size(), 3U);
  EXPECT_EQ(model_.names().used(), 3U);

  // Nothing of the uses was lost on the way.
  Put(1, Queue::kActive, 1, "s@s", {"a@r"});
  EXPECT_EQ(model_.names().used(), 2U);
  model_.BeginPass();
  model_.EndPass(kAll);
  EXPECT_EQ(model_.names().used(), 0U);
  ExpectCells({});
}

TEST_F(QueueModelTest, NamesAreWorthRenewingWhenMostOfManyAreGone) {
  EXPECT_FALSE(model_.NamesWorthRenewing());
  for (int i = 0; i < 4000; ++i) Put(1, Queue::kActive, 1, "s@s", {"r@" + std::to_string(i)});
  EXPECT_FALSE(model_.NamesWorthRenewing()) << "few names";
  for (int i = 4000; i < 9000; ++i) Put(1, Queue::kActive, 1, "s@s", {"r@" + std::to_string(i)});
  EXPECT_TRUE(model_.NamesWorthRenewing());
  model_.RenewNames();
  EXPECT_FALSE(model_.NamesWorthRenewing());

  for (ino_t i = 0; i < 9000; ++i) Put(i, Queue::kActive, 1, "s@s", {"r@" + std::to_string(i)});
  EXPECT_FALSE(model_.NamesWorthRenewing()) << "all of them are in use";
}

// What the model ought to hold, kept without any cleverness.
struct NaiveMessage {
  Queue queue;
  int64_t ctime;
  int64_t arrival;
  std::string sender;
  std::vector<std::string> recipients;
  bool counts;
};

NamedCells CellsOf(const std::map<ino_t, NaiveMessage>& messages) {
  NamedCells cells;
  std::string domain;
  for (const auto& [inode, message] : messages) {
    if (!message.counts) continue;
    AddressToDomain(message.sender, &domain);
    cells.insert({message.queue, kSender, domain, message.arrival});
    for (const std::string& recipient : message.recipients) {
      AddressToDomain(recipient, &domain);
      cells.insert({message.queue, kRecipient, domain, message.arrival});
    }
  }
  return cells;
}

TEST_F(QueueModelTest, EqualsANaiveModelOverRandomOperations) {
  const std::vector<std::string> addresses = {"",
                                              "root",
                                              "a@one.example",
                                              "b@ONE.example",
                                              "c@two.example",
                                              "d@..x..y.",
                                              "e@\xff.example",
                                              "f@",
                                              "g@three",
                                              "h@i@four.example"};
  // Few inodes and seconds, so that they meet again and again.
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(4); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    std::map<ino_t, NaiveMessage> naive;
    std::set<ino_t> met;  // in this pass
    int64_t ctime = 0;
    model_.BeginPass();
    for (int step = 0; step < 3000; ++step) {
      const auto inode = static_cast<ino_t>(random.Between(1, 40));
      const int64_t what = random.Between(1, 100);
      if (what <= 60) {
        NaiveMessage message{random.OneOf(kAllQueues), ++ctime, random.Between(100, 105),
                             random.OneOf(addresses),  {},      what <= 52};
        // A recipient at least: a message without one is none.
        for (int64_t left = random.Between(1, 6); left > 0; --left) {
          message.recipients.push_back(random.OneOf(addresses));
        }
        model_.Put(inode, VersionIn(message.queue, message.ctime),
                   message.counts
                       ? envelopes_.Make(message.arrival, message.sender, message.recipients)
                       : nullptr);
        naive[inode] = message;
        met.insert(inode);
      } else if (what <= 85) {
        const auto known = naive.find(inode);
        const bool changed = random.OneIn(4);
        const Queue queue = known == naive.end() ? Queue::kHold : known->second.queue;
        const int64_t version = known == naive.end() || changed ? -1 : known->second.ctime;
        const bool seen = model_.See(inode, VersionIn(queue, version));
        ASSERT_EQ(seen, known != naive.end() && !changed);
        if (seen) met.insert(inode);
      } else if (what <= 92) {
        if (random.OneIn(2)) {
          std::set<Queue> listed;
          for (Queue queue : kAllQueues) {
            if (!random.OneIn(4)) listed.insert(queue);
          }
          model_.EndPass(listed);
          std::erase_if(naive, [&](const auto& entry) {
            return !met.contains(entry.first) && listed.contains(entry.second.queue);
          });
        }
        model_.BeginPass();
        met.clear();
      } else if (what <= 95) {
        model_.RenewNames();
      }
      if (step % 7 != 0 && what <= 85) continue;
      ExpectCells(CellsOf(naive));
      size_t counted = 0;
      for (const auto& [number, message] : naive) counted += message.counts ? 1 : 0;
      ASSERT_EQ(model_.message_count(), counted);
      if (HasFailure()) return;
    }
    model_.BeginPass();
    model_.EndPass(kAll);
    ExpectCells({});
    EXPECT_EQ(model_.names().used(), 0U);
  }
}

}  // namespace
}  // namespace fleetqshape
