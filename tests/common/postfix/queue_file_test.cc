#include "common/postfix/queue_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/common/postfix/envelope_reading.h"
#include "tests/support/memory_file.h"
#include "tests/support/queue_file_builder.h"

namespace fleetqshape::postfix {
namespace {

using test::CleanupFile;
using test::Column;
using test::MemoryFile;
using test::PostdropFile;
using test::QueueFileBuilder;
using test::QueueMessage;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::string_view_literals;

double ArrivalOf(std::string_view time, Dialect dialect) {
  return Read(Start(time).Add('S', "s").Add('R', "r").Add('E').bytes(), dialect).arrival;
}

// -- Names and modes ---------------------------------------------------------------------------

TEST(IsQueueFileNameTest, SixOrMoreLettersAndDigits) {
  for (const Dialect dialect : kDialects) {
    for (const char* name : {"A1B2C3", "4f2Xyz0000zABCD", "000000", "abcdefghijklmnopqrstuvwxyz"}) {
      EXPECT_TRUE(IsQueueFileName(name, dialect)) << name;
    }
    for (const char* name :
         {"", "A1B2C", "A1B2C3.D", "123456.7890", "A1B2C3_", "#A1B2C3", "A1B2-C3", "A1B2C3 ",
          " A1B2C3", "A1B2\xc3\xa9", "A1B2/C3", "@A1B2C3", "[A1B2C3", "`A1B2C3", "{A1B2C3",
          "A1B2C3\n\n", "\nA1B2C3", "A1B2C\n"}) {
      EXPECT_FALSE(IsQueueFileName(name, dialect)) << name;
    }
  }
}

TEST(IsQueueFileNameTest, OnlyQshapeTakesANewlineBehindIt) {
  EXPECT_TRUE(IsQueueFileName("A1B2C3\n", Dialect::kQshape));
  EXPECT_FALSE(IsQueueFileName("A1B2C3\n", Dialect::kPostfix));
}

TEST(IsQueueFileNameTest, ANulIsNoLetter) {
  EXPECT_FALSE(IsQueueFileName("A1B2C3\0"sv, Dialect::kPostfix));
  EXPECT_FALSE(IsQueueFileName("\0\0\0\0\0\0"sv, Dialect::kQshape));
}

TEST(IsReadyModeTest, PostfixAsksForTheOwnersRights) {
  for (mode_t mode = 0; mode < 010000; ++mode) {
    EXPECT_EQ(IsReadyMode(S_IFREG | mode, Dialect::kPostfix), (mode & 0700) == 0700)
        << std::oct << mode;
  }
}

TEST(IsReadyModeTest, QshapeAlsoRefusesOthersWritingAndExecuting) {
  for (mode_t mode = 0; mode < 010000; ++mode) {
    EXPECT_EQ(IsReadyMode(S_IFREG | mode, Dialect::kQshape), (mode & 0733) == 0700)
        << std::oct << mode;
  }
}

TEST(IsReadyModeTest, ModesThatPostfixSets) {
  struct Case {
    mode_t mode;
    bool postfix, qshape;
  };
  for (const Case& c : {Case{0600, false, false}, Case{0400, false, false}, Case{0700, true, true},
                        Case{0744, true, true}, Case{0740, true, true}, Case{0710, true, false},
                        Case{0750, true, false}, Case{04700, true, true}}) {
    EXPECT_EQ(IsReadyMode(S_IFREG | c.mode, Dialect::kPostfix), c.postfix) << std::oct << c.mode;
    EXPECT_EQ(IsReadyMode(S_IFREG | c.mode, Dialect::kQshape), c.qshape) << std::oct << c.mode;
  }
}

// -- Whole messages ----------------------------------------------------------------------------

TEST(EnvelopeReaderTest, ReadsAMessageOfCleanup) {
  for (const bool with_content_length : {true, false}) {
    QueueMessage message;
    message.recipients = {"first@example.org", "", "third@example.net"};
    message.extracted_recipients = {"bcc@example.org"};
    message.with_content_length = with_content_length;
    for (const Dialect dialect : kDialects) {
      const ReadEnvelope result = Read(CleanupFile(message), dialect);
      EXPECT_EQ(result.kind, QueueFileKind::kMessage);
      EXPECT_EQ(result.arrival, 1'700'000'000.0);
      EXPECT_EQ(result.arrival_seconds, 1'700'000'000);
      EXPECT_EQ(result.sender, "sender@example.com");
      EXPECT_THAT(result.recipients,
                  ElementsAre("first@example.org", "", "third@example.net", "bcc@example.org"));
      EXPECT_FALSE(result.written_by_postdrop);
    }
  }
}

TEST(EnvelopeReaderTest, OnlyPostfixReadsAMessageOfPostdrop) {
  QueueMessage message;
  message.extracted_recipients = {"bcc@example.org"};
  const ReadEnvelope result = Read(PostdropFile(message), Dialect::kPostfix);
  EXPECT_EQ(result.kind, QueueFileKind::kMessage);
  EXPECT_EQ(result.arrival, 1'700'000'000.0);
  EXPECT_EQ(result.sender, "sender@example.com");
  EXPECT_THAT(result.recipients, ElementsAre("user@example.org", "bcc@example.org"));
  EXPECT_TRUE(result.written_by_postdrop);
  EXPECT_EQ(KindOf(PostdropFile(message), Dialect::kQshape), QueueFileKind::kForeign);
}

TEST(EnvelopeReaderTest, AnOldMaildropFileArrivedWhenItWasWritten) {
  for (const bool full_name : {false, true}) {
    QueueFileBuilder file;
    if (full_name) file.Add('F', "Full Name");
    file.Add('S', "me").Add('R', "you@example.org").Add('M').Add('N', "text").Add('X').Add('E');
    for (const Dialect dialect : kDialects) {
      const ReadEnvelope result = Read(file.bytes(), dialect);
      EXPECT_EQ(result.kind, QueueFileKind::kMessage);
      EXPECT_EQ(result.arrival, static_cast<double>(kMtime));
      EXPECT_EQ(result.sender, "me");
      EXPECT_THAT(result.recipients, ElementsAre("you@example.org"));
      EXPECT_FALSE(result.written_by_postdrop);
    }
  }
}

TEST(EnvelopeReaderTest, TheNullSenderIsEmpty) {
  QueueMessage message;
  message.sender = "";
  for (const Dialect dialect : kDialects) {
    const ReadEnvelope result = Read(CleanupFile(message), dialect);
    EXPECT_EQ(result.kind, QueueFileKind::kMessage);
    EXPECT_EQ(result.sender, "");
  }
}

TEST(EnvelopeReaderTest, TheLastSenderCounts) {
  const std::string bytes = Start()
                                .Add('S', "one")
                                .Add('R', "r")
                                .Add('S', "two")
                                .Add('M')
                                .Add('X')
                                .Add('S', "three")
                                .Add('E')
                                .bytes();
  for (const Dialect dialect : kDialects) EXPECT_EQ(Read(bytes, dialect).sender, "three");
}

TEST(EnvelopeReaderTest, AMessageMayHaveNoContent) {
  ExpectKind(Start().Add('S', "s").Add('R', "r").Add('E').bytes(), QueueFileKind::kMessage);
}

TEST(EnvelopeReaderTest, WhatFollowsTheEndIsNotRead) {
  const std::string bytes =
      Start().Add('S', "s").Add('R', "r").Add('E').Add('R', "late").AddBytes("\xff\xff").bytes();
  for (const Dialect dialect : kDialects) {
    const ReadEnvelope result = Read(bytes, dialect);
    EXPECT_EQ(result.kind, QueueFileKind::kMessage);
    EXPECT_THAT(result.recipients, ElementsAre("r"));
  }
}

TEST(EnvelopeReaderTest, AMessageWithoutRecipientsIsOneOfItsOwnKind) {
  QueueMessage message;
  message.recipients = {};
  ExpectKind(CleanupFile(message), QueueFileKind::kNoRecipients);
  ExpectKind(
      Start().Add('S', "s").Add('D', "done").Add('/', "gone").Add('O', "orig").Add('E').bytes(),
      QueueFileKind::kNoRecipients);
}

TEST(EnvelopeReaderTest, ManyRecipientsAreAllRead) {
  QueueMessage message;
  message.recipients = {};
  for (int i = 0; i < 50'000; ++i) {
    message.recipients.push_back("user" + std::to_string(i) + "@example.org");
  }
  message.extracted_recipients = message.recipients;
  for (const Dialect dialect : kDialects) {
    const ReadEnvelope result = Read(CleanupFile(message), dialect);
    EXPECT_EQ(result.kind, QueueFileKind::kMessage);
    ASSERT_EQ(result.recipients.size(), 100'000U);
    for (size_t i = 0; i < 100'000; ++i) {
      ASSERT_EQ(result.recipients[i], message.recipients[i % 50'000]);
    }
  }
}

TEST(EnvelopeReaderTest, LongAddressesAreReadWhole) {
  for (const size_t length : {1000U, 4096U, 4097U, 20'000U, 70'000U}) {
    QueueMessage message;
    message.sender = std::string(length, 's');
    message.recipients = {std::string(length, 'r'), "short"};
    for (const Dialect dialect : kDialects) {
      const ReadEnvelope result = Read(CleanupFile(message), dialect);
      EXPECT_EQ(result.sender, message.sender);
      EXPECT_EQ(result.recipients, message.recipients);
    }
  }
}

// The records around the content stand everywhere around the ends of the reader's windows.
TEST(EnvelopeReaderTest, ContentOfAnySizeIsSkipped) {
  const auto expect = [](size_t content_bytes) {
    QueueMessage message;
    message.content_bytes = content_bytes;
    message.extracted_recipients = {"extracted@example.org"};
    for (const bool with_content_length : {true, false}) {
      message.with_content_length = with_content_length;
      for (const Dialect dialect : kDialects) {
        const ReadEnvelope result = Read(CleanupFile(message), dialect);
        ASSERT_EQ(result.kind, QueueFileKind::kMessage) << content_bytes;
        ASSERT_THAT(result.recipients, ElementsAre("user@example.org", "extracted@example.org"));
      }
    }
  };
  for (size_t n = 0; n < 100; ++n) expect(n);
  for (size_t n = 600; n < 1060; ++n) expect(n);
  for (size_t n = 3680; n < 4140; n += 3) expect(n);
  for (size_t n = 65'100; n < 66'700; n += 13) expect(n);
}

TEST(EnvelopeReaderTest, NothingOfTheLastFileIsLeft) {
  EnvelopeReader reader;
  Envelope envelope;
  QueueMessage message;
  message.recipients = {"a@example", "b@example"};
  EXPECT_EQ(ReadWith(&reader, &envelope, PostdropFile(message), Dialect::kPostfix).kind,
            QueueFileKind::kMessage);
  const ReadEnvelope foreign = ReadWith(&reader, &envelope, "junk", Dialect::kPostfix);
  EXPECT_EQ(foreign.kind, QueueFileKind::kForeign);
  EXPECT_EQ(foreign.arrival, 0);
  EXPECT_EQ(foreign.sender, "");
  EXPECT_THAT(foreign.recipients, IsEmpty());
  EXPECT_FALSE(foreign.written_by_postdrop);
  const ReadEnvelope next = ReadWith(&reader, &envelope, CleanupFile({}), Dialect::kPostfix);
  EXPECT_EQ(next.kind, QueueFileKind::kMessage);
  EXPECT_THAT(next.recipients, ElementsAre("user@example.org"));
  EXPECT_FALSE(next.written_by_postdrop);
}

// -- The first records -------------------------------------------------------------------------

TEST(EnvelopeReaderTest, AFileThatStartsOtherwiseIsForeign) {
  ExpectKind("", QueueFileKind::kForeign);
  for (const char type : "ADERMXp<N\x7f"sv) {
    ExpectKind(QueueFileBuilder().Add(type, "x").Add('T', "1").Add('S').Add('R').Add('E').bytes(),
               QueueFileKind::kForeign);
  }
  ExpectKind("<user@example.com>: host said: 450\n", QueueFileKind::kForeign);
}

TEST(EnvelopeReaderTest, AFirstRecordThatIsCutOffIsForeign) {
  ExpectKind("C\x5fshort", QueueFileKind::kForeign);
  ExpectKind("S\x5fshort", QueueFileKind::kForeign);
  ExpectKind("C\x80\x80\x80\x80\x80", QueueFileKind::kForeign);
}

TEST(EnvelopeReaderTest, ASizeIsFollowedByATime) {
  ExpectKind(
      QueueFileBuilder().Add('C').Add('A', "x").Add('T', "1").Add('S').Add('R').Add('E').bytes(),
      QueueFileKind::kDamaged);
  ExpectKind(QueueFileBuilder().Add('C').bytes(), QueueFileKind::kDamaged);
}

TEST(EnvelopeReaderTest, AFullNameIsFollowedByASender) {
  ExpectKind(QueueFileBuilder().Add('F', "x").Add('A', "x").Add('S').Add('R').Add('E').bytes(),
             QueueFileKind::kDamaged);
  ExpectKind(QueueFileBuilder().Add('F', "x").bytes(), QueueFileKind::kDamaged);
}

// -- The arrival time --------------------------------------------------------------------------

TEST(EnvelopeReaderTest, TheArrivalIsTheFirstFieldAsPerlReadsIt) {
  for (const Dialect dialect : kDialects) {
    EXPECT_EQ(ArrivalOf("1700000000 999999", dialect), 1'700'000'000.0);
    EXPECT_EQ(ArrivalOf("1700000000", dialect), 1'700'000'000.0);
    EXPECT_EQ(ArrivalOf("1700000000\t5", dialect), 1'700'000'000.0);
    EXPECT_EQ(ArrivalOf("1700000000.75", dialect), 1'700'000'000.75);
    EXPECT_EQ(ArrivalOf("12abc 99", dialect), 12.0);
    EXPECT_EQ(ArrivalOf("-5", dialect), -5.0);
    EXPECT_EQ(ArrivalOf("1e3", dialect), 1000.0);
    EXPECT_EQ(ArrivalOf("abc", dialect), 0.0);
    EXPECT_EQ(ArrivalOf(" 1700000000", dialect), 0.0);  // an empty first field
    EXPECT_EQ(ArrivalOf("   ", dialect), 0.0);
    EXPECT_EQ(ArrivalOf("inf", dialect), HUGE_VAL);
    EXPECT_TRUE(std::isnan(ArrivalOf("nan", dialect)));
  }
}

TEST(EnvelopeReaderTest, AnEmptyTimeIsNone) {
  ExpectKind(Start("").Add('S', "s").Add('R', "r").Add('E').bytes(), QueueFileKind::kDamaged);
  ExpectKind(Start(" ").Add('S', "s").Add('R', "r").Add('E').bytes(), QueueFileKind::kMessage);
}

TEST(EnvelopeReaderTest, OnlyTheFirstTimeCounts) {
  const std::string bytes =
      Start("100").Add('T', "200").Add('S', "s").Add('R', "r").Add('E').bytes();
  for (const Dialect dialect : kDialects) EXPECT_EQ(Read(bytes, dialect).arrival, 100.0);
}

TEST(EnvelopeReaderTest, WholeSecondsAreCutAndBounded) {
  const auto seconds = [](std::string_view time) {
    return Read(Start(time).Add('S', "s").Add('R', "r").Add('E').bytes(), Dialect::kPostfix)
        .arrival_seconds;
  };
  EXPECT_EQ(seconds("1700000000.9"), 1'700'000'000);
  EXPECT_EQ(seconds("-1.9"), -1);
  EXPECT_EQ(seconds("nan"), 0);
  EXPECT_EQ(seconds("1e300"), int64_t{1} << 53);
  EXPECT_EQ(seconds("inf"), int64_t{1} << 53);
  EXPECT_EQ(seconds("-inf"), -(int64_t{1} << 53));
  EXPECT_EQ(seconds("9007199254740993"), int64_t{1} << 53);
}

// -- Damage ------------------------------------------------------------------------------------

TEST(EnvelopeReaderTest, AFileThatIsCutOffIsNoMessage) {
  QueueMessage message;
  message.extracted_recipients = {"bcc@example.org"};
  message.content_bytes = 1500;
  const std::string bytes = CleanupFile(message);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string_view start = std::string_view(bytes).substr(0, size);
    const QueueFileKind postfix = KindOf(start, Dialect::kPostfix);
    EXPECT_TRUE(postfix == QueueFileKind::kDamaged || postfix == QueueFileKind::kForeign) << size;
    // qshape does without the last record's length: a C alone makes a queue file, an E alone ends
    // it.
    EXPECT_EQ(KindOf(start, Dialect::kQshape), size == 1                  ? QueueFileKind::kDamaged
                                               : size + 1 == bytes.size() ? QueueFileKind::kMessage
                                                                          : postfix)
        << size;
  }
}

TEST(EnvelopeReaderTest, WithoutAnEndThereIsNoMessage) {
  ExpectKind(Start().Add('S', "s").Add('R', "r").bytes(), QueueFileKind::kDamaged);
  ExpectKind(Start().Add('S', "s").Add('R', "r").Add('M').Add('X').bytes(),
             QueueFileKind::kDamaged);
}

TEST(EnvelopeReaderTest, TheSenderComesBeforeTheContent) {
  ExpectKind(Start().Add('R', "r").Add('M').Add('X').Add('S', "s").Add('E').bytes(),
             QueueFileKind::kDamaged);
  ExpectKind(Start().Add('R', "r").Add('E').bytes(), QueueFileKind::kDamaged);
}

TEST(EnvelopeReaderTest, OnlyQshapeStopsAtATypeOfZero) {
  const std::string bytes = Start().Add('S', "s").Add('R', "r").Add('0').Add('E').bytes();
  EXPECT_EQ(KindOf(bytes, Dialect::kPostfix), QueueFileKind::kMessage);
  EXPECT_EQ(KindOf(bytes, Dialect::kQshape), QueueFileKind::kDamaged);
}

TEST(EnvelopeReaderTest, OnlyQshapeStopsAtALengthOfFourBytes) {
  const std::string bytes =
      Start().Add('S', "s").Add('A', std::string(2'097'152, 'x')).Add('R', "r").Add('E').bytes();
  EXPECT_EQ(KindOf(bytes, Dialect::kPostfix), QueueFileKind::kMessage);
  EXPECT_EQ(KindOf(bytes, Dialect::kQshape), QueueFileKind::kDamaged);
}

TEST(EnvelopeReaderTest, AnEnvelopeBeyondTheBoundOfBytesIsGivenUp) {
  // Records that are skipped cost a window of 4096 bytes each.
  constexpr size_t kPayload = 8189;
  const auto read = [](int64_t records, Dialect dialect) {
    const std::string head = "A" + test::EncodedLength(kPayload);
    const std::string start = Start().Add('S', "s").Add('R', "r").bytes();
    MemoryFile file(start);
    auto offset = static_cast<int64_t>(start.size());
    for (int64_t i = 0; i < records; ++i) {
      file.Write(offset, head);
      offset += static_cast<int64_t>(head.size() + kPayload);
    }
    file.Write(offset, "E\0"sv);
    EnvelopeReader reader;
    Envelope envelope;
    return reader.Read(file.fd(), file.status(), dialect, &envelope);
  };
  constexpr int64_t kMost = RecordReader::kMaxBytesRead / 4096;
  for (const Dialect dialect : kDialects) {
    EXPECT_EQ(read(kMost - 100, dialect), QueueFileKind::kMessage);
    EXPECT_EQ(read(kMost + 100, dialect), QueueFileKind::kDamaged);
  }
}

TEST(EnvelopeReaderTest, ALargeContentIsNotRead) {
  // A gigabyte of it, in which nothing is a record.
  constexpr int64_t kContent = int64_t{1} << 30;
  const std::string start = QueueFileBuilder()
                                .Add('C', Column(kContent) + " 1 1")
                                .Add('T', "5")
                                .Add('S', "s")
                                .Add('R', "r")
                                .Add('M')
                                .bytes();
  MemoryFile file(start, static_cast<int64_t>(start.size()) + kContent);
  file.Write(file.size(), QueueFileBuilder().Add('X').Add('R', "late").Add('E').bytes());
  EnvelopeReader reader;
  Envelope envelope;
  for (const Dialect dialect : kDialects) {
    EXPECT_EQ(reader.Read(file.fd(), file.status(), dialect, &envelope), QueueFileKind::kMessage);
    ASSERT_EQ(envelope.recipient_count(), 2U);
    EXPECT_EQ(envelope.recipient(1), "late");
  }
}

}  // namespace
}  // namespace fleetqshape::postfix
