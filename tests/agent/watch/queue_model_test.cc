#include "agent/watch/queue_model.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/shape/address.h"
#include "tests/support/envelope_maker.h"
#include "tests/support/model_files.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::CellsOfModel;
using test::DigestOf;
using test::EnvelopeMaker;
using test::FileName;
using test::NamedCell;
using test::NamedCells;
using test::PlaceIn;
using test::PutFile;
using test::SeeFile;

constexpr Axis kRecipient = Axis::kRecipientDomain;
constexpr Axis kSender = Axis::kSenderDomain;
const std::set<Queue> kAll(kAllQueues.begin(), kAllQueues.end());

// A model, and what its observer was told in sum.
class QueueModelTest : public ::testing::Test {
 protected:
  // In whatever queue it was before, the file is in this one now.
  void Put(uint64_t number, Queue queue, int64_t arrival, const std::string& sender,
           const std::vector<std::string>& recipients) {
    PutFile(number, queue, envelopes_.Make(arrival, sender, recipients), &model_);
  }
  void PutNoMessage(uint64_t number, Queue queue) { PutFile(number, queue, nullptr, &model_); }
  bool Sees(uint64_t number, Queue queue, FileVersion version = 1) {
    return SeeFile(number, queue, version, &model_);
  }
  bool Remove(uint64_t number, Queue queue) {
    return model_.Remove(PlaceIn(queue), FileName(number));
  }

  // The model holds exactly these arrivals, in all that it tells of them.
  void ExpectCells(const NamedCells& expected) {
    EXPECT_EQ(CellsOfModel(model_), expected);
    EXPECT_EQ(model_.digest(), DigestOf(expected));
    EXPECT_EQ(observed_, expected);
  }

  NamedCells observed_;
  EnvelopeMaker envelopes_;
  QueueModel model_{[this](const Cell& cell, int64_t change) {
    const NamedCell named{cell.queue, cell.axis, std::string(model_.names().name(cell.name_id)),
                          cell.arrival};
    ASSERT_NE(change, 0);
    for (; change > 0; --change) observed_.insert(named);
    for (; change < 0; ++change) {
      const auto found = observed_.find(named);
      ASSERT_NE(found, observed_.end()) << "lost, but never gained: " << named;
      observed_.erase(found);
    }
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
  Put(7, Queue::kIncoming, 5, "s@s", {"r@r", "q@q"});
  EXPECT_TRUE(
      model_.Move(PlaceIn(Queue::kIncoming), FileName(7), PlaceIn(Queue::kActive), FileName(7)));
  ExpectCells({{Queue::kActive, kSender, "s", 5},
               {Queue::kActive, kRecipient, "r", 5},
               {Queue::kActive, kRecipient, "q", 5}});
  EXPECT_EQ(model_.message_count(), 1U);
  EXPECT_FALSE(Sees(7, Queue::kActive)) << "a rename changes the version";
  EXPECT_FALSE(
      model_.Move(PlaceIn(Queue::kIncoming), FileName(7), PlaceIn(Queue::kActive), FileName(7)))
      << "it is there no more";
}

TEST_F(QueueModelTest, AMessageMayGetAnotherNameAndTakeTheirPlaceWhoHadIt) {
  Put(1, Queue::kActive, 1, "s@s", {"r@moves", "r@too"});
  Put(2, Queue::kActive, 2, "s@s", {"r@isreplaced"});
  EXPECT_TRUE(
      model_.Move(PlaceIn(Queue::kActive), FileName(1), PlaceIn(Queue::kActive), FileName(2)));
  ExpectCells({{Queue::kActive, kSender, "s", 1},
               {Queue::kActive, kRecipient, "moves", 1},
               {Queue::kActive, kRecipient, "too", 1}});
  EXPECT_FALSE(Remove(1, Queue::kActive));
  EXPECT_TRUE(Remove(2, Queue::kActive));
  ExpectCells({});
  EXPECT_EQ(model_.names().used(), 0U);
}

TEST_F(QueueModelTest, OneNameInTwoDirectoriesIsTwoFiles) {
  for (const Queue queue : {Queue::kActive, Queue::kHold, Queue::kDeferred}) {
    model_.Put(PlaceIn(queue), FileName(7), {}, envelopes_.Make(5, "s@s", {"r@r"}));
  }
  EXPECT_EQ(model_.message_count(), 3U);
  EXPECT_EQ(model_.OtherPlacesOf(FileName(7), PlaceIn(Queue::kHold).directory).size(), 2U);
  EXPECT_TRUE(Remove(7, Queue::kActive));
  EXPECT_FALSE(Remove(7, Queue::kActive));
  EXPECT_TRUE(Remove(7, Queue::kDeferred));
  ExpectCells({{Queue::kHold, kSender, "s", 5}, {Queue::kHold, kRecipient, "r", 5}});
  EXPECT_TRUE(Remove(7, Queue::kHold));
  ExpectCells({});
}

TEST_F(QueueModelTest, AFileThatHoldsNoMessageAnyMoreTakesItsArrivalsAlong) {
  Put(7, Queue::kActive, 5, "s@s", {"r@r"});
  PutNoMessage(7, Queue::kActive);
  ExpectCells({});
  EXPECT_EQ(model_.message_count(), 0U);
  EXPECT_EQ(model_.names().used(), 0U);
}

TEST_F(QueueModelTest, AFileWithoutAMessageIsKnownAllTheSame) {
  model_.BeginPass();
  PutNoMessage(7, Queue::kActive);
  model_.EndPass(kAll);
  model_.BeginPass();
  EXPECT_TRUE(Sees(7, Queue::kActive));
  model_.EndPass(kAll);
  model_.BeginPass();
  EXPECT_EQ(model_.EndPass(kAll), 0U) << "no message";
  model_.BeginPass();
  EXPECT_FALSE(Sees(7, Queue::kActive));
}

TEST_F(QueueModelTest, AFileIsKnownInTheVersionThatWasPutOnly) {
  using Sight = QueueModel::Sight;
  const auto see = [&](Queue queue, FileVersion version) {
    return model_.See(PlaceIn(queue), FileName(7), version);
  };
  EXPECT_EQ(see(Queue::kActive, 1), Sight::kUnknown);
  Put(7, Queue::kActive, 5, "s@s", {"r@r"});
  EXPECT_EQ(see(Queue::kActive, 1), Sight::kSame);
  EXPECT_EQ(see(Queue::kActive, 2), Sight::kChanged);
  EXPECT_EQ(see(Queue::kDeferred, 1), Sight::kUnknown);
}

TEST_F(QueueModelTest, WhatCouldNotBeReadIsNeverTheSame) {
  FileState state;
  state.kind = FileKind::kUnreadable;
  state.version = 5;
  model_.Put(PlaceIn(Queue::kActive), FileName(7), state, nullptr);
  EXPECT_EQ(model_.See(PlaceIn(Queue::kActive), FileName(7), 5), QueueModel::Sight::kChanged);
}

TEST_F(QueueModelTest, AVersionTellsEachChangeOfAFile) {
  struct stat status {};
  status.st_ino = 1;
  status.st_size = 100;
  status.st_ctim = {1000, 5};
  const FileVersion version = VersionOf(status);
  EXPECT_NE(version, kUnknownVersion);
  EXPECT_EQ(version, VersionOf(status));
  for (struct stat other : {status, status, status, status}) {
    static int which = 0;
    switch (which++) {
      case 0:
        ++other.st_ino;
        break;
      case 1:
        ++other.st_size;
        break;
      case 2:
        ++other.st_ctim.tv_sec;
        break;
      default:
        ++other.st_ctim.tv_nsec;
    }
    EXPECT_NE(version, VersionOf(other)) << which;
  }
}

TEST_F(QueueModelTest, FilesAreCountedByKind) {
  Put(1, Queue::kActive, 1, "s@s", {"r@r"});
  for (const FileKind kind : {FileKind::kBeingWritten, FileKind::kUnreadable,
                              FileKind::kNoRecipients, FileKind::kForeign, FileKind::kDamaged}) {
    FileState state;
    state.kind = kind;
    state.group_readable = true;  // counts for messages only
    model_.Put(PlaceIn(Queue::kHold), FileName(10 + static_cast<uint64_t>(kind)), state, nullptr);
  }
  FileState odd;
  odd.force_expired = true;
  odd.group_readable = true;
  model_.Put(PlaceIn(Queue::kActive), FileName(2), odd, envelopes_.Make(1, "s@s", {"r@r"}));
  FileCounts expected;
  expected.by_kind = {2, 1, 1, 1, 1, 1, 0};
  expected.force_expired = 1;
  expected.group_readable = 1;
  EXPECT_EQ(model_.file_counts(), expected);
  EXPECT_EQ(model_.arrival_count(Queue::kActive, kSender), 2U);
  model_.BeginPass();
  EXPECT_EQ(model_.EndPass(kAll), 2U);
  EXPECT_EQ(model_.file_counts(), FileCounts());
  EXPECT_EQ(model_.arrival_count(Queue::kActive, kSender), 0U);
}

TEST_F(QueueModelTest, AFileWithSeveralNamesCountsOnceForAsLongAsItHasOne) {
  FileState linked;
  linked.linked_inode = 99;
  linked.version = 3;
  const auto put = [&](uint64_t number) {
    model_.Put(PlaceIn(Queue::kDeferred), FileName(number), linked,
               envelopes_.Make(5, "s@s", {"r@r"}));
  };
  const NamedCells once = {{Queue::kDeferred, kSender, "s", 5},
                           {Queue::kDeferred, kRecipient, "r", 5}};
  put(1);
  put(2);
  ExpectCells(once);
  put(1);  // read again
  ExpectCells(once);
  EXPECT_EQ(model_.file_counts().of(FileKind::kLinked), 1U);
  EXPECT_TRUE(model_.TakeWantsListing()) << "it may be known by yet another name";

  EXPECT_TRUE(Remove(1, Queue::kDeferred));
  ExpectCells({});
  EXPECT_TRUE(model_.TakeWantsListing()) << "the other name is to be read";
  EXPECT_FALSE(model_.TakeWantsListing());
  EXPECT_FALSE(Sees(2, Queue::kDeferred, 3));
  linked.linked_inode = 0;  // it has only one name now
  put(2);
  ExpectCells(once);
  EXPECT_FALSE(model_.TakeWantsListing());
}

TEST_F(QueueModelTest, APassRemovesWhatItNeitherPutNorMovedNorSaw) {
  model_.BeginPass();
  Put(1, Queue::kActive, 1, "s@s", {"put@again"});
  Put(2, Queue::kActive, 2, "s@s", {"is@seen"});
  Put(3, Queue::kActive, 3, "s@s", {"is@gone"});
  Put(4, Queue::kIncoming, 4, "s@s", {"is@moved"});
  EXPECT_EQ(model_.EndPass(kAll), 0U);
  EXPECT_EQ(model_.message_count(), 4U);

  model_.BeginPass();
  Put(1, Queue::kActive, 1, "s@s", {"put@again"});
  EXPECT_TRUE(Sees(2, Queue::kActive));
  EXPECT_TRUE(
      model_.Move(PlaceIn(Queue::kIncoming), FileName(4), PlaceIn(Queue::kActive), FileName(4)));
  EXPECT_EQ(model_.EndPass(kAll), 1U);
  ExpectCells({{Queue::kActive, kSender, "s", 1},
               {Queue::kActive, kRecipient, "again", 1},
               {Queue::kActive, kSender, "s", 2},
               {Queue::kActive, kRecipient, "seen", 2},
               {Queue::kActive, kSender, "s", 4},
               {Queue::kActive, kRecipient, "moved", 4}});
}

TEST_F(QueueModelTest, APassRemovesNothingFromQueuesThatWereNotListed) {
  Put(1, Queue::kActive, 1, "s@s", {"listed@active"});
  Put(2, Queue::kHold, 2, "s@s", {"not@hold"});
  model_.BeginPass();
  model_.EndPass({Queue::kActive, Queue::kIncoming});
  ExpectCells({{Queue::kHold, kSender, "s", 2}, {Queue::kHold, kRecipient, "hold", 2}});
  EXPECT_TRUE(Sees(2, Queue::kHold)) << "it is still known";
}

TEST_F(QueueModelTest, APassThatNeverEndsRemovesNothing) {
  model_.BeginPass();
  Put(1, Queue::kActive, 1, "s@s", {"r@r"});
  model_.EndPass(kAll);
  model_.BeginPass();
  model_.BeginPass();
  EXPECT_EQ(model_.message_count(), 1U);
  EXPECT_TRUE(Sees(1, Queue::kActive));
  model_.EndPass(kAll);
  EXPECT_EQ(model_.message_count(), 1U);
}

TEST_F(QueueModelTest, RenewedNamesAreThoseInUseAndChangeNothingElse) {
  Put(1, Queue::kActive, 1, "s@gone", {"r@gone2", "r@stays"});
  Put(1, Queue::kActive, 1, "s@s", {"b@stays", "a@r", "c@stays"});
  PutNoMessage(2, Queue::kActive);
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

  for (uint64_t i = 0; i < 9000; ++i) Put(i, Queue::kActive, 1, "s@s", {"r@" + std::to_string(i)});
  EXPECT_FALSE(model_.NamesWorthRenewing()) << "all of them are in use";
}

}  // namespace
}  // namespace fleetqshape
