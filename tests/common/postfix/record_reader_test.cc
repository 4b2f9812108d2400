#include "common/postfix/record_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/memory_file.h"
#include "tests/support/queue_file_builder.h"

namespace fleetqshape::postfix {
namespace {

using test::EncodedLength;
using test::MemoryFile;
using test::QueueFileBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace std::string_view_literals;

constexpr Dialect kDialects[] = {Dialect::kPostfix, Dialect::kQshape};

using Records = std::vector<std::pair<char, std::string>>;

Records ReadAllOf(RecordReader* reader) {
  Records records;
  Record record;
  while (reader->Next(&record)) {
    std::string_view payload;
    EXPECT_TRUE(reader->Payload(record, &payload));
    records.emplace_back(static_cast<char>(record.type), payload);
  }
  return records;
}

// All records up to where the reader stops: the same ones if the head was read before.
Records ReadAll(std::string_view bytes, Dialect dialect) {
  const MemoryFile file(bytes);
  RecordReader reader;
  reader.Start(file.fd(), file.size(), dialect);
  Records records = ReadAllOf(&reader);
  std::array<char, RecordReader::kMaxHead> room;
  reader.Start(file.fd(), file.size(), dialect,
               RecordReader::ReadHead(file.fd(), file.size(), room.data()));
  EXPECT_EQ(ReadAllOf(&reader), records);
  return records;
}

std::string BytesOf(const Records& records) {
  QueueFileBuilder builder;
  for (const auto& [type, payload] : records) builder.Add(type, payload);
  return builder.bytes();
}

// A payload that shows if its parts come from elsewhere.
std::string Payload(size_t length) {
  std::string payload(length, '\0');
  for (size_t i = 0; i < length; ++i) payload[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return payload;
}

TEST(RecordReaderTest, ReadsTypesLengthsAndPayloads) {
  const auto bytes =
      "C\x05hello"
      "T\0"
      "R\x02\0\xff"
      "E\0"sv;
  for (const Dialect dialect : kDialects) {
    EXPECT_THAT(ReadAll(bytes, dialect),
                ElementsAre(Pair('C', "hello"), Pair('T', ""), Pair('R', std::string("\0\xff"sv)),
                            Pair('E', "")));
  }
}

TEST(RecordReaderTest, TellsWhereThePayloadStands) {
  const MemoryFile file(
      "C\x05hello"
      "R\x81\x00x"sv);
  RecordReader reader;
  reader.Start(file.fd(), file.size(), Dialect::kPostfix);
  Record record;
  ASSERT_TRUE(reader.Next(&record));
  EXPECT_EQ(record.type, kRecordSize);
  EXPECT_EQ(record.payload_offset, 2);
  EXPECT_EQ(record.length, 5);
  EXPECT_EQ(reader.position(), 7);
  ASSERT_TRUE(reader.Next(&record));
  EXPECT_EQ(record.type, kRecordRecipient);
  EXPECT_EQ(record.payload_offset, 10);
  EXPECT_EQ(record.length, 1);
  EXPECT_EQ(reader.position(), 11);
  EXPECT_FALSE(reader.Next(&record));
}

TEST(RecordReaderTest, AnEmptyFileHasNoRecords) {
  for (const Dialect dialect : kDialects) EXPECT_THAT(ReadAll("", dialect), IsEmpty());
}

TEST(RecordReaderTest, LengthsHaveUpToThreeBytesForQshapeAndFourForPostfix) {
  for (const size_t length : {0U, 1U, 127U, 128U, 16383U, 16384U, 2097151U}) {
    const Records records = {{'R', Payload(length)}, {'E', ""}};
    for (const Dialect dialect : kDialects) EXPECT_EQ(ReadAll(BytesOf(records), dialect), records);
  }
  const MemoryFile four(BytesOf({{'N', Payload(2097152)}, {'E', ""}}));
  RecordReader reader;
  Record record;
  reader.Start(four.fd(), four.size(), Dialect::kQshape);
  EXPECT_FALSE(reader.Next(&record));
  reader.Start(four.fd(), four.size(), Dialect::kPostfix);
  ASSERT_TRUE(reader.Next(&record));
  EXPECT_EQ(record.length, 2097152);
  ASSERT_TRUE(reader.Next(&record));
  EXPECT_EQ(record.type, kRecordEnd);
}

TEST(RecordReaderTest, ALengthMayBeLongerThanNeeded) {
  for (const size_t bytes : {1U, 2U, 3U, 4U, 5U}) {
    QueueFileBuilder file;
    file.AddWithLength('R', EncodedLength(3, bytes), "abc").Add('E');
    for (const Dialect dialect : kDialects) {
      const size_t most = dialect == Dialect::kQshape ? 3 : 4;
      if (bytes <= most) {
        EXPECT_THAT(ReadAll(file.bytes(), dialect), ElementsAre(Pair('R', "abc"), Pair('E', "")));
      } else {
        EXPECT_THAT(ReadAll(file.bytes(), dialect), IsEmpty()) << bytes;
      }
    }
  }
}

TEST(RecordReaderTest, APayloadThatIsCutOffEndsTheReading) {
  const std::string bytes = QueueFileBuilder().Add('A', "first").Add('R', "user@example").bytes();
  for (const Dialect dialect : kDialects) {
    for (size_t cut = 1; cut <= 12; ++cut) {
      EXPECT_THAT(ReadAll(bytes.substr(0, bytes.size() - cut), dialect),
                  ElementsAre(Pair('A', "first")))
          << cut;
    }
  }
}

TEST(RecordReaderTest, AHugeClaimEndsTheReading) {
  for (const Dialect dialect : kDialects) {
    for (const std::string_view length :
         {"\xff\xff\x7f"sv, "\xff\xff\xff\x7f"sv, "\x80\x80\x01"sv}) {
      EXPECT_THAT(ReadAll("A\x01x"
                          "R" +
                              std::string(length) + "user",
                          dialect),
                  ElementsAre(Pair('A', "x")));
    }
  }
}

TEST(RecordReaderTest, EndOfFileInsideALengthIsCutOffForPostfix) {
  for (const std::string_view bytes : {"E"sv, "E\x80"sv, "E\x80\x80"sv, "R\x85"sv}) {
    EXPECT_THAT(ReadAll(bytes, Dialect::kPostfix), IsEmpty());
  }
}

TEST(RecordReaderTest, EndOfFileInsideALengthEndsTheLengthForQshape) {
  for (const std::string_view bytes : {"E"sv, "E\x80"sv, "E\x80\x80"sv}) {
    EXPECT_THAT(ReadAll(bytes, Dialect::kQshape), ElementsAre(Pair('E', "")));
  }
  EXPECT_THAT(ReadAll("E\x80\x80\x80", Dialect::kQshape), IsEmpty());
  EXPECT_THAT(ReadAll("R\x85", Dialect::kQshape), IsEmpty());  // five bytes, and none there
}

TEST(RecordReaderTest, TheTypeZeroEndsTheReadingForQshape) {
  const auto bytes =
      "A\0"
      "0\0"
      "E\0"sv;
  EXPECT_THAT(ReadAll(bytes, Dialect::kQshape), ElementsAre(Pair('A', "")));
  EXPECT_THAT(ReadAll(bytes, Dialect::kPostfix),
              ElementsAre(Pair('A', ""), Pair('0', ""), Pair('E', "")));
}

TEST(RecordReaderTest, AnyOtherByteIsAType) {
  for (int type = 0; type < 256; ++type) {
    if (type == '0') continue;
    const std::string bytes = {static_cast<char>(type), '\x01', 'x'};
    for (const Dialect dialect : kDialects) {
      EXPECT_THAT(ReadAll(bytes, dialect), ElementsAre(Pair(static_cast<char>(type), "x")));
    }
  }
}

// Windows begin with 1024 bytes, then come 4096 or 64 K: every record position around their ends.
TEST(RecordReaderTest, RecordsMayCrossTheEndsOfWindows) {
  for (const size_t edge : {1024U, 4096U, 1024U + 65536U}) {
    for (size_t before = edge - 12; before <= edge + 3; ++before) {
      // The second record starts at `before`.
      const size_t header = 1 + EncodedLength(before - 3).size();
      const Records records = {{'A', Payload(before - header)},
                               {'R', "user@example"},
                               {'S', Payload(200)},
                               {'N', Payload(70'000)},
                               {'E', ""}};
      ASSERT_EQ(ReadAll(BytesOf(records), Dialect::kPostfix), records) << before;
    }
  }
}

TEST(RecordReaderTest, LongPayloadsComeWhole) {
  for (const size_t length : {1023U, 1025U, 4095U, 4096U, 4097U, 5000U, 65535U, 65537U, 300'000U}) {
    const Records records = {
        {'A', "x"}, {'R', Payload(length)}, {'S', "s"}, {'R', Payload(length)}, {'E', ""}};
    for (const Dialect dialect : kDialects) {
      ASSERT_EQ(ReadAll(BytesOf(records), dialect), records) << length;
    }
  }
}

TEST(RecordReaderTest, AnyFileIsReadAsItWasWritten) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  RecordReader reader;  // one for all files
  for (int round = 0; round < 200; ++round) {
    Records records;
    for (unsigned n = random() % 200; n > 0; --n) {
      const size_t length = random() % 40 == 0  ? random() % 80'000
                            : random() % 6 == 0 ? random() % 5000
                                                : random() % 60;
      records.emplace_back("RSTAN"[random() % 5], Payload(length));
    }
    const MemoryFile file(BytesOf(records));
    reader.Start(file.fd(), file.size(), kDialects[random() % 2]);
    Record record;
    for (const auto& [type, expected] : records) {
      ASSERT_TRUE(reader.Next(&record));
      ASSERT_EQ(record.type, static_cast<unsigned char>(type));
      ASSERT_EQ(record.length, static_cast<int64_t>(expected.size()));
      if (random() % 3 == 0) continue;  // skipped, as most are
      std::string_view payload;
      ASSERT_TRUE(reader.Payload(record, &payload));
      ASSERT_EQ(payload, expected);
    }
    ASSERT_FALSE(reader.Next(&record));
  }
}

TEST(RecordReaderTest, SeekingGoesAnywhereInTheFile) {
  QueueFileBuilder builder;
  builder.Add('A', Payload(10));
  const auto second = static_cast<int64_t>(builder.Where());
  builder.Add('B', Payload(20'000));
  const auto third = static_cast<int64_t>(builder.Where());
  builder.Add('R', "user");
  const MemoryFile file(builder.bytes());
  RecordReader reader;
  reader.Start(file.fd(), file.size(), Dialect::kPostfix);
  Record record;
  std::string_view payload;
  for (const int64_t offset : {third, second, int64_t{0}, third, third, second}) {
    ASSERT_TRUE(reader.Seek(offset));
    EXPECT_EQ(reader.position(), offset);
    ASSERT_TRUE(reader.Next(&record));
    ASSERT_TRUE(reader.Payload(record, &payload));
    EXPECT_EQ(record.type, offset == third ? 'R' : offset == second ? 'B' : 'A');
    EXPECT_EQ(payload, offset == third ? "user" : Payload(offset == second ? 20'000 : 10));
  }
}

TEST(RecordReaderTest, SeekingBeforeTheFileFails) {
  const MemoryFile file("E\0"sv);
  RecordReader reader;
  reader.Start(file.fd(), file.size(), Dialect::kPostfix);
  EXPECT_FALSE(reader.Seek(-1));
  EXPECT_FALSE(reader.Seek(INT64_MIN));
}

TEST(RecordReaderTest, BeyondTheEndThereIsNothing) {
  const MemoryFile file("E\0"sv);
  RecordReader reader;
  reader.Start(file.fd(), file.size(), Dialect::kPostfix);
  Record record;
  for (const int64_t offset : {int64_t{2}, int64_t{3}, int64_t{1} << 40, INT64_MAX}) {
    EXPECT_TRUE(reader.Seek(offset));
    EXPECT_FALSE(reader.Next(&record));
  }
  EXPECT_TRUE(reader.Seek(0));
  EXPECT_TRUE(reader.Next(&record));
}

TEST(RecordReaderTest, SeekingBackwardsIsAllowedTenThousandTimes) {
  const MemoryFile file("A\0E\0"sv);
  RecordReader reader;
  reader.Start(file.fd(), file.size(), Dialect::kPostfix);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(reader.Seek(4));  // forwards, and where it stands: no jumps back
    ASSERT_TRUE(reader.Seek(4));
    ASSERT_TRUE(reader.Seek(3));
  }
  EXPECT_TRUE(reader.Seek(4));
  EXPECT_FALSE(reader.Seek(3));
}

TEST(RecordReaderTest, EachFileStartsAfresh) {
  const MemoryFile first(QueueFileBuilder().Add('A', Payload(500)).bytes());
  const MemoryFile second(QueueFileBuilder().Add('R', "user").Add('E').bytes());
  RecordReader reader;
  Record record;
  std::string_view payload;
  for (int round = 0; round < 3; ++round) {
    reader.Start(first.fd(), first.size(), Dialect::kPostfix);
    ASSERT_TRUE(reader.Next(&record));
    while (reader.Seek(400) && reader.Seek(0)) {  // use up the jumps
    }
    reader.Start(second.fd(), second.size(), Dialect::kPostfix);
    EXPECT_EQ(reader.position(), 0);
    ASSERT_TRUE(reader.Next(&record));
    EXPECT_EQ(record.type, kRecordRecipient);
    ASSERT_TRUE(reader.Payload(record, &payload));
    EXPECT_EQ(payload, "user");
    EXPECT_TRUE(reader.Seek(0));
  }
}

// Reads records here and there in a sparse file, until no more can be had. Returns how many.
int64_t ReadHereAndThere(RecordReader* reader, const MemoryFile& file) {
  constexpr int64_t kDistance = 16384;
  reader->Start(file.fd(), file.size(), Dialect::kPostfix);
  Record record;
  int64_t count = 0;
  while (reader->Seek(count * kDistance) && reader->Next(&record)) ++count;
  return count;
}

TEST(RecordReaderTest, ReadingStopsAtTheBoundOfBytes) {
  const MemoryFile file("", 8 * RecordReader::kMaxBytesRead);
  RecordReader reader;
  // A window of 4096 bytes each but the first.
  constexpr int64_t kMost = RecordReader::kMaxBytesRead / 4096;
  EXPECT_GE(ReadHereAndThere(&reader, file), kMost);
  EXPECT_LE(ReadHereAndThere(&reader, file), kMost + 1);
}

TEST(RecordReaderTest, ReadingOnStopsAtTheBoundOfBytesToo) {
  // Who reads on without a gap gets 64 K at a time.
  constexpr size_t kPayload = 1000;
  const std::string record_bytes = QueueFileBuilder().Add('A', std::string(kPayload, 'x')).bytes();
  std::string bytes;
  while (bytes.size() < (size_t{1} << 20)) bytes += record_bytes;
  MemoryFile file("");
  for (int64_t i = 0; i < 80; ++i) file.Write(i * static_cast<int64_t>(bytes.size()), bytes);
  RecordReader reader;
  reader.Start(file.fd(), file.size(), Dialect::kPostfix);
  Record record;
  std::string_view payload;
  while (reader.Next(&record) && reader.Payload(record, &payload)) {
  }
  EXPECT_GE(reader.position(), RecordReader::kMaxBytesRead / 2);
  EXPECT_LE(reader.position(), RecordReader::kMaxBytesRead + (int64_t{64} << 10));
}

TEST(RecordReaderTest, ReadingTheNextFileIsNotBoundByTheLast) {
  const MemoryFile file("", 8 * RecordReader::kMaxBytesRead);
  RecordReader reader;
  const int64_t first = ReadHereAndThere(&reader, file);
  EXPECT_EQ(ReadHereAndThere(&reader, file), first);
}

TEST(RecordReaderTest, APayloadBeyondItsBoundIsRefused) {
  for (const int64_t length : {RecordReader::kMaxPayload, RecordReader::kMaxPayload + 1}) {
    const std::string head = "R" + EncodedLength(static_cast<size_t>(length));
    const MemoryFile file(head, static_cast<int64_t>(head.size()) + length);
    RecordReader reader;
    reader.Start(file.fd(), file.size(), Dialect::kPostfix);
    Record record;
    ASSERT_TRUE(reader.Next(&record));
    std::string_view payload;
    EXPECT_EQ(reader.Payload(record, &payload), length == RecordReader::kMaxPayload);
  }
}

TEST(RecordReaderTest, PayloadsCountTowardsTheBoundOfBytes) {
  constexpr int64_t kLength = RecordReader::kMaxPayload;
  constexpr int64_t kMost = RecordReader::kMaxBytesRead / kLength;
  const std::string head = "R" + EncodedLength(kLength);
  const int64_t distance = kLength + static_cast<int64_t>(head.size());
  MemoryFile file("", 2 * kMost * distance);
  for (int64_t i = 0; i < 2 * kMost; ++i) file.Write(i * distance, head);
  RecordReader reader;
  reader.Start(file.fd(), file.size(), Dialect::kPostfix);
  Record record;
  std::string_view payload;
  int64_t read = 0;
  while (reader.Next(&record) && reader.Payload(record, &payload)) ++read;
  EXPECT_GE(read, kMost - 1);
  EXPECT_LE(read, kMost + 1);
}

TEST(RecordReaderTest, AFileThatBecameShorterIsCutOff) {
  const std::string bytes =
      QueueFileBuilder().Add('A', Payload(10)).Add('R', Payload(9000)).bytes();
  for (const size_t kept : {5U, 30U, 2000U, 8000U}) {
    const MemoryFile file(bytes.substr(0, kept));
    RecordReader reader;
    reader.Start(file.fd(), static_cast<int64_t>(bytes.size()), Dialect::kPostfix);
    Record record;
    std::string_view payload;
    EXPECT_TRUE(reader.Next(&record));
    EXPECT_EQ(reader.Payload(record, &payload), kept > 12);
    while (reader.Next(&record)) EXPECT_FALSE(reader.Payload(record, &payload));
  }
}

TEST(RecordReaderTest, WhatCannotBeReadHasNoRecords) {
  RecordReader reader;
  reader.Start(-1, 100, Dialect::kPostfix);
  Record record;
  EXPECT_FALSE(reader.Next(&record));
}

TEST(RecordReaderTest, AHeadIsTheStartOfTheFile) {
  std::array<char, RecordReader::kMaxHead> room;
  for (const size_t size : {0U, 1U, 1000U, 4096U, 4097U, 20'000U}) {
    const std::string bytes = Payload(size);
    const MemoryFile file(bytes);
    const std::string_view head = RecordReader::ReadHead(file.fd(), file.size(), room.data());
    EXPECT_EQ(head, std::string_view(bytes).substr(0, head.size()));
    EXPECT_GE(head.size(), std::min<size_t>(size, 1000));
  }
}

TEST(RecordReaderTest, AFileWithoutAHeadIsReadAgain) {
  std::array<char, RecordReader::kMaxHead> room;
  const std::string_view head = RecordReader::ReadHead(-1, 100, room.data());
  EXPECT_THAT(head, IsEmpty());
  RecordReader reader;
  reader.Start(-1, 100, Dialect::kPostfix, head);
  Record record;
  EXPECT_FALSE(reader.Next(&record));
  EXPECT_TRUE(reader.read_failed());
}

}  // namespace
}  // namespace fleetqshape::postfix
