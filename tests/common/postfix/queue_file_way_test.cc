// How a reader finds its way through a queue file: over the content, and along pointers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/postfix/queue_file.h"
#include "tests/common/postfix/envelope_reading.h"
#include "tests/support/memory_file.h"
#include "tests/support/queue_file_builder.h"

namespace fleetqshape::postfix {
namespace {

using test::QueueFileBuilder;
using ::testing::ElementsAre;
using namespace std::string_view_literals;

// -- The content -------------------------------------------------------------------------------

// A message whose content is `content_bytes` long and is no records; `sizes` is what C says.
QueueFileBuilder WithSizes(std::string_view sizes, size_t content_bytes = 40) {
  return QueueFileBuilder()
      .Add('C', sizes)
      .Add('T', "5")
      .Add('S', "s")
      .Add('R', "r")
      .Add('M')
      .AddBytes(std::string(content_bytes, '\xff'))
      .Add('X')
      .Add('E');
}

TEST(EnvelopeWayTest, TheContentLengthIsTheFirstOfThreeNumbers) {
  for (const std::string_view sizes : {"40 1 1"sv, "  40 1 1 1 1 1"sv, "\t40\n1\v1"sv, "0040 1 1"sv,
                                       "40 1 1x"sv, "40 1 1 abc"sv}) {
    ExpectKind(WithSizes(sizes).bytes(), QueueFileKind::kMessage);
  }
}

TEST(EnvelopeWayTest, OtherSizesTellNothingAndTheContentIsRead) {
  for (const std::string_view sizes :
       {""sv, "40"sv, "40 1"sv, "40 1 "sv, "40 1 x"sv, "x40 1 1"sv, "-40 1 1"sv, "+40 1 1"sv,
        "40.0 1 1"sv, "40 1.5 1"sv, "40,1,1"sv,
        "40\xa0"
        "1 1"sv}) {
    ExpectKind(WithSizes(sizes).bytes(), QueueFileKind::kDamaged);
    const std::string bytes = QueueFileBuilder()
                                  .Add('C', sizes)
                                  .Add('T', "5")
                                  .Add('S', "s")
                                  .Add('R', "r")
                                  .Add('M')
                                  .Add('N', "text")
                                  .Add('X')
                                  .Add('E')
                                  .bytes();
    ExpectKind(bytes, QueueFileKind::kMessage);
  }
}

TEST(EnvelopeWayTest, AContentLengthOfZeroCounts) {
  ExpectKind(WithSizes("0 0 0", 0).bytes(), QueueFileKind::kMessage);
  ExpectKind(WithSizes("0 0 0", 40).bytes(), QueueFileKind::kDamaged);
}

TEST(EnvelopeWayTest, AWrongContentLengthIsDamage) {
  for (const char* sizes : {"39 1 1", "41 1 1", "0 1 1", "1000000 1 1", "9223372036854775807 1 1",
                            "9223372036854775808 1 1", "99999999999999999999999999 1 1"}) {
    ExpectKind(WithSizes(sizes).bytes(), QueueFileKind::kDamaged);
  }
}

// 2^64 - 5 is -5 to perl's seek: back into the payload of M, where an X stands.
TEST(EnvelopeWayTest, AContentLengthMayLeadBackwards) {
  const std::string bytes = QueueFileBuilder()
                                .Add('C', "18446744073709551611 1 1")
                                .Add('T', "5")
                                .Add('S', "s")
                                .Add('M', "X\x03xxx")
                                .Add('R', "r")
                                .Add('E')
                                .bytes();
  const ReadEnvelope result = Read(bytes, Dialect::kQshape);
  EXPECT_EQ(result.kind, QueueFileKind::kMessage);
  EXPECT_THAT(result.recipients, ElementsAre("r"));
}

TEST(EnvelopeWayTest, WithoutAContentLengthOnlyContentMayStandBeforeX) {
  const auto content = [](char type) {
    return Start()
        .Add('S', "s")
        .Add('R', "r")
        .Add('M')
        .Add('N', "a")
        .Add('L', "b")
        .Add(type, "0")
        .Add('N', "c")
        .Add('X')
        .Add('E')
        .bytes();
  };
  for (const char type : {'N', 'L', 'p'}) ExpectKind(content(type), QueueFileKind::kMessage);
  for (const char type : {'R', 'S', 'A', 'E', 'M', 'T'})
    ExpectKind(content(type), QueueFileKind::kDamaged);
}

TEST(EnvelopeWayTest, OnlyPostfixTakesPaddingInTheContent) {
  const std::string bytes = Start()
                                .Add('S', "s")
                                .Add('R', "r")
                                .Add('M')
                                .Add('N', "a")
                                .Add('w', "pad")
                                .Add('X')
                                .Add('E')
                                .bytes();
  EXPECT_EQ(KindOf(bytes, Dialect::kPostfix), QueueFileKind::kMessage);
  EXPECT_EQ(KindOf(bytes, Dialect::kQshape), QueueFileKind::kDamaged);
}

TEST(EnvelopeWayTest, PointersInTheContentAreFollowed) {
  // A milter's header stands behind the end: M, N, p -> there, N, p -> back, X.
  QueueFileBuilder file = Start().Add('S', "s").Add('R', "r").Add('M').Add('N', "header");
  const size_t pointer = file.Where();
  file.AddPointer(0);
  const size_t back = file.Where();
  file.Add('N', "body").Add('X').Add('R', "extracted").Add('E');
  file.SetPointer(pointer, file.Where()).Add('N', "X-Header: of a milter").AddPointer(back);
  for (const Dialect dialect : kDialects) {
    const ReadEnvelope result = Read(file.bytes(), dialect);
    EXPECT_EQ(result.kind, QueueFileKind::kMessage);
    EXPECT_THAT(result.recipients, ElementsAre("r", "extracted"));
  }
}

// -- Other records ------------------------------------------------------------------------------

// Compared with a reading that takes one record after the other.
TEST(EnvelopeWayTest, RecordsOfAnyTypeAndLengthArePassedOver) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 1000; ++round) {
    QueueFileBuilder file = Start().Add('S', "s");
    std::string sender = "s";
    std::vector<std::string> recipients;
    const unsigned often = 1 + random() % 20;
    bool over_for_qshape = false;
    for (unsigned n = random() % 400; n > 0; --n) {
      const size_t length = random() % 30 == 0 ? random() % 6000 : random() % 140;
      const std::string payload(length, static_cast<char>('a' + n % 26));
      auto type = static_cast<char>(random());
      if (type == 'M' || type == 'E' || type == 'p' || type == '0') type = 'A';
      if (random() % often == 0) type = "RSD"[random() % 3];
      if (random() % 2000 == 0) type = '0';
      file.Add(type, payload);
      if (type == 'R') recipients.push_back(payload);
      if (type == 'S') sender = payload;
      over_for_qshape |= type == '0';
    }
    const auto expected =
        recipients.empty() ? QueueFileKind::kNoRecipients : QueueFileKind::kMessage;
    const ReadEnvelope result = Read(file.Add('E').bytes(), Dialect::kPostfix);
    ASSERT_EQ(result.kind, expected) << round;
    ASSERT_EQ(result.sender, sender) << round;
    ASSERT_EQ(result.recipients, recipients) << round;
    ASSERT_EQ(KindOf(file.bytes(), Dialect::kQshape),
              over_for_qshape ? QueueFileKind::kDamaged : expected)
        << round;
    // Cut off anywhere behind the first records, it is no message.
    const size_t first = Start().Where();
    const size_t size = first + random() % (file.bytes().size() - 1 - first);
    ASSERT_EQ(KindOf(std::string_view(file.bytes()).substr(0, size), Dialect::kPostfix),
              QueueFileKind::kDamaged)
        << round << ' ' << size;
  }
}

// -- Pointers ----------------------------------------------------------------------------------

TEST(EnvelopeWayTest, RecipientsBehindTheEndAreFoundThroughPointers) {
  QueueFileBuilder file = Start().Add('S', "s").Add('R', "first");
  const size_t pointer = file.Where();
  file.AddPointer(0);
  const size_t back = file.Where();
  file.Add('M').Add('N', "text").Add('X').Add('E');
  file.SetPointer(pointer, file.Where());
  file.Add('R', "added").Add('D', "removed");
  const size_t second = file.Where();
  file.AddPointer(0).Add('A', "skipped");
  file.SetPointer(second, file.Where()).Add('R', "added too").AddPointer(back);
  for (const Dialect dialect : kDialects) {
    const ReadEnvelope result = Read(file.bytes(), dialect);
    EXPECT_EQ(result.kind, QueueFileKind::kMessage);
    EXPECT_THAT(result.recipients, ElementsAre("first", "added", "added too"));
  }
}

TEST(EnvelopeWayTest, APointerMayLeadBackwardsOverTheReadersWindow) {
  QueueFileBuilder file = Start().Add('S', "s");
  const size_t pointer = file.Where();
  file.AddPointer(0);
  const size_t early = file.Where();
  file.Add('R', "early").Add('E').Add('A', std::string(200'000, 'x'));
  file.SetPointer(pointer, file.Where()).Add('R', "late").AddPointer(early);
  for (const Dialect dialect : kDialects) {
    EXPECT_THAT(Read(file.bytes(), dialect).recipients, ElementsAre("late", "early"));
  }
}

// What milters add stands behind a content of any size: each leads there and all the way back.
TEST(EnvelopeWayTest, PointersLeadOverALargeContentAndBack) {
  constexpr int64_t kContent = int64_t{1} << 30;
  constexpr size_t kAdded = 5;
  QueueFileBuilder file;
  file.Add('C', test::Column(kContent) + " 1 1").Add('T', "5").Add('S', "s");
  const size_t pointers = file.Where();
  for (size_t i = 0; i < kAdded; ++i) file.AddPointer(0);
  const size_t pointer_bytes = (file.Where() - pointers) / kAdded;
  file.Add('M');
  QueueFileBuilder end;
  end.Add('X').Add('E');
  for (size_t i = 0; i < kAdded; ++i) {
    const size_t pointer = pointers + i * pointer_bytes;
    file.SetPointer(pointer, file.Where() + kContent + end.Where());
    end.Add('R', "added").AddPointer(pointer + pointer_bytes);
  }
  test::MemoryFile bytes(file.bytes());
  bytes.Write(static_cast<int64_t>(file.Where()) + kContent, end.bytes());
  for (const Dialect dialect : kDialects) {
    EnvelopeReader reader;
    Envelope envelope;
    EXPECT_EQ(reader.Read(bytes.fd(), bytes.status(), dialect, &envelope), QueueFileKind::kMessage);
    EXPECT_EQ(envelope.recipient_count(), kAdded);
  }
}

TEST(EnvelopeWayTest, APointerThatIsNotAboveZeroIsNone) {
  for (const std::string_view value :
       {"0"sv, "              0"sv, ""sv, "-1"sv, "-100"sv, "abc"sv, "nan"sv, "0x10"sv, "-inf"sv}) {
    ExpectKind(Start().Add('S', "s").Add('p', value).Add('R', "r").Add('E').bytes(),
               QueueFileKind::kMessage);
  }
}

TEST(EnvelopeWayTest, APointerIsReadAsPerlReadsNumbers) {
  const auto with_pointer = [](std::string_view value) {
    std::string padded(value);
    padded.resize(20, ' ');
    QueueFileBuilder file = Start("100").Add('S', "s").Add('p', padded).Add('R', "jumped over");
    EXPECT_EQ(file.Where(), 45U);
    return file.Add('R', "r").Add('E').bytes();
  };
  for (const std::string_view value :
       {"45"sv, "   45"sv, "45.9"sv, "4.5e1"sv, "+45"sv, "00045"sv, "45xyz"sv, "45 99"sv}) {
    for (const Dialect dialect : kDialects) {
      EXPECT_THAT(Read(with_pointer(value), dialect).recipients, ElementsAre("r")) << value;
    }
  }
}

TEST(EnvelopeWayTest, APointerBeyondTheFileIsDamage) {
  for (const char* value :
       {"100000", "9223372036854775807", "9223372036854775808", "1e30", "inf"}) {
    ExpectKind(Start().Add('S', "s").Add('R', "r").Add('p', value).Add('E').bytes(),
               QueueFileKind::kDamaged);
  }
}

TEST(EnvelopeWayTest, APointerToItselfEnds) {
  QueueFileBuilder file = Start().Add('S', "s").Add('R', "r");
  file.AddPointer(file.Where()).Add('E');
  ExpectKind(file.bytes(), QueueFileKind::kDamaged);
}

TEST(EnvelopeWayTest, APointerInTheContentToItselfEnds) {
  QueueFileBuilder file = Start().Add('S', "s").Add('R', "r").Add('M').Add('N', "x");
  file.AddPointer(file.Where()).Add('X').Add('E');
  ExpectKind(file.bytes(), QueueFileKind::kDamaged);
}

TEST(EnvelopeWayTest, ALoopOfContentEnds) {
  // M, X, p -> M: a new content each time.
  QueueFileBuilder file = Start().Add('S', "s").Add('R', "r");
  const size_t content = file.Where();
  file.Add('M').Add('N', "x").Add('X').AddPointer(content).Add('E');
  ExpectKind(file.bytes(), QueueFileKind::kDamaged);
}

TEST(EnvelopeWayTest, ALoopThatGathersRecipientsEnds) {
  QueueFileBuilder file = Start().Add('S', "s");
  const size_t recipients = file.Where();
  for (int i = 0; i < 100; ++i) file.Add('R', "r");
  file.AddPointer(recipients).Add('E');
  ExpectKind(file.bytes(), QueueFileKind::kDamaged);
}

// Recipients are visited from the last to the first, each jump leading backwards.
std::string Ladder(int backward_jumps) {
  QueueFileBuilder file = Start().Add('S', "s");
  const size_t pointer = file.Where();
  file.AddPointer(0);
  size_t target = file.Where();
  file.Add('E');
  for (int i = 0; i < backward_jumps; ++i) {
    const size_t step = file.Where();
    file.Add('R', "r").AddPointer(target);
    target = step;
  }
  return file.SetPointer(pointer, target).bytes();
}

TEST(EnvelopeWayTest, TenThousandJumpsBackwardsAreAllowed) {
  for (const Dialect dialect : kDialects) {
    const ReadEnvelope result = Read(Ladder(10'000), dialect);
    EXPECT_EQ(result.kind, QueueFileKind::kMessage);
    EXPECT_EQ(result.recipients.size(), 10'000U);
  }
}

TEST(EnvelopeWayTest, OneMoreIsDamage) { ExpectKind(Ladder(10'001), QueueFileKind::kDamaged); }

}  // namespace
}  // namespace fleetqshape::postfix
