// Reads the envelope out of the bytes of a queue file.
#ifndef FLEETQSHAPE_TESTS_COMMON_POSTFIX_ENVELOPE_READING_H_
#define FLEETQSHAPE_TESTS_COMMON_POSTFIX_ENVELOPE_READING_H_

#include <gtest/gtest.h>

#include <ctime>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/postfix/queue_file.h"
#include "tests/support/memory_file.h"
#include "tests/support/queue_file_builder.h"

namespace fleetqshape::postfix {

inline void PrintTo(QueueFileKind kind, std::ostream* os) {
  static constexpr const char* kNames[] = {"kMessage", "kNoRecipients", "kForeign", "kDamaged"};
  *os << kNames[static_cast<int>(kind)];
}

inline constexpr Dialect kDialects[] = {Dialect::kPostfix, Dialect::kQshape};

// An envelope, copied.
struct ReadEnvelope {
  QueueFileKind kind;
  double arrival;
  int64_t arrival_seconds;
  std::string sender;
  std::vector<std::string> recipients;
  bool written_by_postdrop;
};

// When all these files were modified.
inline constexpr time_t kMtime = 1'600'000'000;

inline ReadEnvelope ReadWith(EnvelopeReader* reader, Envelope* envelope, std::string_view bytes,
                             Dialect dialect) {
  const test::MemoryFile file(bytes);
  struct stat status = file.status();
  status.st_mtime = kMtime;
  ReadEnvelope result{};
  result.kind = reader->Read(file.fd(), status, dialect, envelope);
  result.arrival = envelope->arrival();
  result.arrival_seconds = envelope->arrival_seconds();
  result.sender = envelope->sender();
  for (size_t i = 0; i < envelope->recipient_count(); ++i) {
    result.recipients.emplace_back(envelope->recipient(i));
  }
  result.written_by_postdrop = envelope->written_by_postdrop();
  return result;
}

inline ReadEnvelope Read(std::string_view bytes, Dialect dialect) {
  EnvelopeReader reader;
  Envelope envelope;
  return ReadWith(&reader, &envelope, bytes, dialect);
}

inline QueueFileKind KindOf(std::string_view bytes, Dialect dialect) {
  return Read(bytes, dialect).kind;
}

inline void ExpectKind(std::string_view bytes, QueueFileKind expected) {
  for (const Dialect dialect : kDialects) {
    EXPECT_EQ(KindOf(bytes, dialect), expected)
        << (dialect == Dialect::kQshape ? "qshape" : "postfix");
  }
}

// The start of a file as cleanup writes it, without a content length.
inline test::QueueFileBuilder Start(std::string_view time = "1700000000 1") {
  return test::QueueFileBuilder().Add('C', "").Add('T', time);
}

}  // namespace fleetqshape::postfix

#endif  // FLEETQSHAPE_TESTS_COMMON_POSTFIX_ENVELOPE_READING_H_
