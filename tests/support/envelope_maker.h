// Envelopes for tests: read, as all of them are, from queue files.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_ENVELOPE_MAKER_H_
#define FLEETQSHAPE_TESTS_SUPPORT_ENVELOPE_MAKER_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/postfix/queue_file.h"
#include "tests/support/memory_file.h"
#include "tests/support/queue_file_builder.h"

namespace fleetqshape::test {

// One thread at a time.
class EnvelopeMaker {
 public:
  // Valid until the next call.
  const postfix::Envelope* Make(int64_t arrival, const std::string& sender,
                                const std::vector<std::string>& recipients) {
    QueueMessage message;
    message.time = std::to_string(arrival) + " 0";
    message.sender = sender;
    message.recipients = recipients;
    message.content_bytes = 0;
    const MemoryFile file(CleanupFile(message));
    EXPECT_EQ(reader_.Read(file.fd(), file.status(), postfix::Dialect::kPostfix, &envelope_),
              postfix::QueueFileKind::kMessage);
    return &envelope_;
  }

 private:
  postfix::EnvelopeReader reader_;
  postfix::Envelope envelope_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_ENVELOPE_MAKER_H_
