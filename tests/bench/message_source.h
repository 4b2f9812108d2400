// Realistic queue files for benchmarks, as cleanup(8) writes them.
#ifndef FLEETQSHAPE_TESTS_BENCH_MESSAGE_SOURCE_H_
#define FLEETQSHAPE_TESTS_BENCH_MESSAGE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace fleetqshape {

struct Message {
  std::string bytes;
  int recipients = 0;  // still to be delivered
  int64_t arrival_seconds = 0;
};

// printf into a string, of at most 255 bytes.
__attribute__((format(printf, 1, 2))) std::string Format(const char* format, ...);

// A message with one recipient and next to no content.
Message SmallMessage(int64_t arrival_seconds, const std::string& recipient);

// Makes one message after the other, the same for the same seed and time: sizes of a log-normal
// distribution (6.4 KB on the average), one recipient in nine messages of ten and up to 30 in the
// others, some delivered already, some recipients extracted from the content, 20,000 domains by
// Zipf's law. One thread at a time.
class MessageSource {
 public:
  MessageSource(uint64_t seed, int64_t now_seconds);

  // A message of any age up to five days.
  Message Next();
  // One that arrived at that time (seconds since the Unix epoch).
  Message ArrivingAt(int64_t arrival_seconds);

  // A whole number below `limit`.
  uint64_t Number(uint64_t limit) { return random_() % limit; }
  // A number between 0 and 1.
  double Fraction() { return std::uniform_real_distribution<double>(0, 1)(random_); }

 private:
  std::string Domain();
  std::string Envelope(const std::string& sender, const std::string& client,
                       std::string* first_recipient, Message* message);
  void AppendRecipients(std::string* first_recipient, Message* message, std::string* out);
  std::string Content(const std::string& sender, const std::string& client,
                      const std::string& recipient);
  std::string Extracted(Message* message);

  std::mt19937_64 random_;
  int64_t now_seconds_;
  std::vector<double> domain_weights_;  // sums of the weights of all up to there
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_BENCH_MESSAGE_SOURCE_H_
