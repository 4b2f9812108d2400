// queue_writer: writes a deferred queue to be scanned by benchmarks.
//
//   queue_writer DIRECTORY FILES [SEED]
//
// DIRECTORY/deferred gets FILES queue files as a busy relay has them: hash_queue_names depth 1,
// short queue ids, records as cleanup(8) writes them, sizes of a log-normal distribution (6.4 KB on
// the average), one recipient in nine messages of ten and up to 30 in the others, some delivered
// already, some recipients extracted from the content, 20,000 domains by Zipf's law, ages up to
// five days. As qmgr(8) leaves it, a file's mtime is the time of the next delivery attempt, which
// lies ahead.
//
// Prints what it wrote as JSON: {"files": 1, "bytes": 2, "recipients": 3}.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/file_descriptor.h"

namespace fleetqshape {
namespace {

constexpr int kDomains = 20'000;
constexpr double kMedianContentBytes = 3100;
constexpr double kContentSpread = 1.05;  // sigma of the logarithm
constexpr double kMinContentBytes = 400;
constexpr double kMaxContentBytes = 200'000;
constexpr double kMaxAgeSeconds = 5 * 86400.0;
constexpr char kNoPointer[] = "              0";

__attribute__((format(printf, 1, 2))) std::string Format(const char* format, ...) {
  std::array<char, 256> buffer{};
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
  va_end(arguments);
  return buffer.data();
}

[[noreturn]] void Fail(const std::string& what) {
  std::perror(("queue_writer: " + what).c_str());
  std::exit(1);
}

void AppendRecord(char type, std::string_view payload, std::string* out) {
  out->push_back(type);
  size_t length = payload.size();
  while (length > 0x7F) {
    out->push_back(static_cast<char>((length & 0x7F) | 0x80));
    length >>= 7;
  }
  out->push_back(static_cast<char>(length));
  out->append(payload);
}

struct Message {
  std::string bytes;
  int recipients = 0;  // still to be delivered
  int64_t arrival_seconds = 0;
};

// Makes one message after the other, the same for the same seed and time.
class MessageSource {
 public:
  MessageSource(uint64_t seed, int64_t now_seconds) : random_(seed), now_seconds_(now_seconds) {
    double sum = 0;
    for (int rank = 1; rank <= kDomains; ++rank) {
      sum += 1 / std::pow(rank, 1.05);
      domain_weights_.push_back(sum);
    }
  }

  Message Next() {
    Message message;
    message.arrival_seconds =
        now_seconds_ - static_cast<int64_t>(kMaxAgeSeconds * std::pow(Fraction(), 2.5));
    const std::string sender_domain = Domain();
    const std::string sender =
        Fraction() < 0.08 ? "" : Format("bounce+%lx@", Number(1UL << 40)) + sender_domain;
    const std::string client = Format("out%lu.", Number(40)) + sender_domain;
    std::string first_recipient;
    const std::string envelope = Envelope(sender, client, &first_recipient, &message);
    const std::string content = Content(sender, client, first_recipient);
    const std::string extracted = Extracted(&message);

    const std::string size = SizeRecord(content.size(), 0, message.recipients);
    message.bytes = SizeRecord(content.size(), size.size() + envelope.size(), message.recipients) +
                    envelope + content + extracted;
    return message;
  }

  // A whole number below `limit`.
  uint64_t Number(uint64_t limit) { return random_() % limit; }

 private:
  double Fraction() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  std::string Domain() {
    constexpr std::array<const char*, 10> kLargest = {
        "gmail.com", "yahoo.com",   "hotmail.com", "outlook.com", "gmx.de",
        "web.de",    "t-online.de", "orange.fr",   "icloud.com",  "aol.com"};
    const double weight = Fraction() * domain_weights_.back();
    const auto found = std::lower_bound(domain_weights_.begin(), domain_weights_.end(), weight);
    const auto rank = static_cast<size_t>(found - domain_weights_.begin());
    if (rank < kLargest.size()) return kLargest[rank];
    const char* top = rank % 3 != 0 ? "com" : rank % 2 != 0 ? "co.uk" : "example.org";
    return Format("%s%zu.%s", rank % 7 != 0 ? "mail" : "sub.corp", rank, top);
  }

  static std::string SizeRecord(size_t content_bytes, size_t content_offset, int recipients) {
    std::string out;
    AppendRecord('C',
                 Format("%15zu %15zu %15d %15d %15zu %15d", content_bytes, content_offset,
                        recipients, 0, content_bytes, 0),
                 &out);
    return out;
  }

  std::string Envelope(const std::string& sender, const std::string& client,
                       std::string* first_recipient, Message* message) {
    std::string out;
    const auto attribute = [&](const std::string& text) { AppendRecord('A', text, &out); };
    const std::string address =
        Format("%lu.%lu.%lu.%lu", 1 + Number(223), Number(256), Number(256), Number(256));
    const std::string port = std::to_string(1024 + Number(60'000));
    AppendRecord('T', Format("%ld %lu", message->arrival_seconds, Number(1'000'000)), &out);
    attribute("create_time=" + std::to_string(message->arrival_seconds));
    attribute("rewrite_context=remote");
    if (Fraction() < 0.3) {
      attribute("sasl_method=LOGIN");
      attribute(Format("sasl_username=user%lu", Number(5000)));
    }
    AppendRecord('S', sender, &out);
    attribute("log_client_name=" + client);
    attribute("log_client_address=" + address);
    attribute("log_client_port=" + port);
    attribute("log_message_origin=" + client + "[" + address + "]");
    attribute("log_helo_name=" + client);
    attribute("log_protocol_name=ESMTP");
    attribute("client_name=" + client);
    attribute("reverse_client_name=" + client);
    attribute("client_address=" + address);
    attribute("client_port=" + port);
    attribute("server_address=10.1.2.3");
    attribute("server_port=25");
    attribute("helo_name=" + client);
    attribute("protocol_name=ESMTP");
    attribute("client_address_type=2");
    AppendRecipients(first_recipient, message, &out);
    AppendRecord('p', kNoPointer, &out);
    AppendRecord('M', "", &out);
    return out;
  }

  void AppendRecipients(std::string* first_recipient, Message* message, std::string* out) {
    int count = 1;
    if (Fraction() >= 0.9) count = Fraction() < 0.4 ? 2 : 2 + static_cast<int>(Number(29));
    const bool one_domain = Fraction() < 0.5;
    const std::string common_domain = Domain();
    for (int i = 0; i < count; ++i) {
      const char* user = Fraction() < 0.02 ? "User" : "user";
      const std::string recipient =
          Format("%s.%lu@", user, Number(100'000)) + (one_domain ? common_domain : Domain());
      if (i == 0) *first_recipient = recipient;
      AppendRecord('A', "dsn_orig_rcpt=rfc822;" + recipient, out);
      AppendRecord('O', recipient, out);
      // One at least is left to be delivered.
      const bool done = i + 1 < count && Fraction() < 0.4;
      AppendRecord(done ? 'D' : 'R', recipient, out);
      if (!done) ++message->recipients;
    }
  }

  std::string Content(const std::string& sender, const std::string& client,
                      const std::string& recipient) {
    const double wanted = std::clamp(
        std::lognormal_distribution<double>(std::log(kMedianContentBytes), kContentSpread)(random_),
        kMinContentBytes, kMaxContentBytes);
    std::string out;
    const auto line = [&](const std::string& text) { AppendRecord('N', text, &out); };
    line("Received: from " + client);
    line("\tby mx.example.net (Postfix) with ESMTPS id 4ABCDEF");
    line("\tfor <" + recipient + ">; Sun,  1 Jan 2023 00:00:00 +0000 (UTC)");
    line("From: <" + sender + ">");
    line("To: <" + recipient + ">");
    line("Subject: benchmark");
    line(Format("Message-ID: <%lu@", random_()) + client + ">");
    AppendRecord('p', kNoPointer, &out);
    line("");
    std::string text(72, ' ');
    while (static_cast<double>(out.size()) < wanted) {
      for (char& c : text) c = static_cast<char>('!' + Number(90));
      line(text);
    }
    AppendRecord('p', kNoPointer, &out);
    return out;
  }

  std::string Extracted(Message* message) {
    std::string out;
    AppendRecord('X', "", &out);
    const uint64_t count = Fraction() < 0.03 ? 1 + Number(3) : 0;
    for (uint64_t i = 0; i < count; ++i) {
      const std::string recipient = "bcc@" + Domain();
      AppendRecord('O', recipient, &out);
      AppendRecord('R', recipient, &out);
      ++message->recipients;
    }
    AppendRecord('p', kNoPointer, &out);
    AppendRecord('E', "", &out);
    return out;
  }

  std::mt19937_64 random_;
  int64_t now_seconds_;
  std::vector<double> domain_weights_;  // sums of the weights of all up to there
};

// A file takes the way of a message: written in incoming, then renamed to what its inode gives.
void WriteMessage(const std::string& directory, const Message& message, int64_t now_seconds,
                  uint64_t microseconds) {
  const std::string incoming = directory + "/incoming/new";
  const FileDescriptor file(open(incoming.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (file.get() < 0) Fail(incoming);
  const ssize_t written = write(file.get(), message.bytes.data(), message.bytes.size());
  if (written != static_cast<ssize_t>(message.bytes.size())) Fail(incoming);
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || fchmod(file.get(), 0700) != 0) Fail(incoming);
  const int64_t backoff_seconds =
      std::clamp<int64_t>(now_seconds - message.arrival_seconds, 300, 4000);
  // A day more, so that it stays ahead for as long as a benchmark may take.
  const std::array<timespec, 2> times = {
      {{now_seconds - 1000, 0}, {now_seconds + backoff_seconds + 86400, 0}}};
  if (futimens(file.get(), times.data()) != 0) Fail(incoming);
  const std::string id = Format("%05lX%lX", microseconds, status.st_ino);
  const std::string deferred = directory + "/deferred/" + id[0] + "/" + id;
  if (rename(incoming.c_str(), deferred.c_str()) != 0) Fail(deferred);
}

int WriteQueue(const std::string& directory, int files, uint64_t seed) {
  std::vector<std::string> directories = {"/incoming", "/deferred"};
  for (const char digit : std::string_view("0123456789ABCDEF")) {
    directories.push_back(std::string("/deferred/") + digit);
  }
  for (const std::string& name : directories) {
    if (mkdir((directory + name).c_str(), 0700) != 0) Fail(directory + name);
  }
  const int64_t now_seconds = std::time(nullptr);
  MessageSource source(seed, now_seconds);
  uint64_t bytes = 0;
  uint64_t recipients = 0;
  for (int i = 0; i < files; ++i) {
    const Message message = source.Next();
    WriteMessage(directory, message, now_seconds, source.Number(1'000'000));
    bytes += message.bytes.size();
    recipients += static_cast<uint64_t>(message.recipients);
  }
  std::printf("{\"files\": %d, \"bytes\": %lu, \"recipients\": %lu}\n", files, bytes, recipients);
  return 0;
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) {
  const int files = argc > 2 ? std::atoi(argv[2]) : 0;
  if (files <= 0 || argc > 4) {
    std::fputs("usage: queue_writer DIRECTORY FILES [SEED]\n", stderr);
    return 2;
  }
  return fleetqshape::WriteQueue(argv[1], files,
                                 argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
}
