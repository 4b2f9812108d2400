#include "tests/bench/message_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace fleetqshape {
namespace {

constexpr int kDomains = 20'000;
constexpr double kMedianContentBytes = 3100;
constexpr double kContentSpread = 1.05;  // sigma of the logarithm
constexpr double kMinContentBytes = 400;
constexpr double kMaxContentBytes = 200'000;
constexpr double kMaxAgeSeconds = 5 * 86400.0;
constexpr char kNoPointer[] = "              0";

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

std::string SizeRecord(size_t content_bytes, size_t content_offset, int recipients) {
  std::string out;
  AppendRecord('C',
               Format("%15zu %15zu %15d %15d %15zu %15d", content_bytes, content_offset, recipients,
                      0, content_bytes, 0),
               &out);
  return out;
}

}  // namespace

std::string Format(const char* format, ...) {
  std::array<char, 256> buffer{};
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
  va_end(arguments);
  return buffer.data();
}

Message SmallMessage(int64_t arrival_seconds, const std::string& recipient) {
  std::string envelope;
  AppendRecord('T', Format("%ld 0", arrival_seconds), &envelope);
  AppendRecord('A', "create_time=" + std::to_string(arrival_seconds), &envelope);
  AppendRecord('S', "sender@probe.example", &envelope);
  AppendRecord('O', recipient, &envelope);
  AppendRecord('R', recipient, &envelope);
  AppendRecord('p', kNoPointer, &envelope);
  AppendRecord('M', "", &envelope);
  std::string content;
  AppendRecord('N', "Subject: probe", &content);
  Message message;
  message.recipients = 1;
  message.arrival_seconds = arrival_seconds;
  message.bytes = SizeRecord(content.size(), SizeRecord(0, 0, 1).size() + envelope.size(), 1) +
                  envelope + content;
  AppendRecord('X', "", &message.bytes);
  AppendRecord('E', "", &message.bytes);
  return message;
}

MessageSource::MessageSource(uint64_t seed, int64_t now_seconds)
    : random_(seed), now_seconds_(now_seconds) {
  double sum = 0;
  for (int rank = 1; rank <= kDomains; ++rank) {
    sum += 1 / std::pow(rank, 1.05);
    domain_weights_.push_back(sum);
  }
}

Message MessageSource::Next() {
  return ArrivingAt(now_seconds_ -
                    static_cast<int64_t>(kMaxAgeSeconds * std::pow(Fraction(), 2.5)));
}

Message MessageSource::ArrivingAt(int64_t arrival_seconds) {
  Message message;
  message.arrival_seconds = arrival_seconds;
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

std::string MessageSource::Domain() {
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

std::string MessageSource::Envelope(const std::string& sender, const std::string& client,
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

void MessageSource::AppendRecipients(std::string* first_recipient, Message* message,
                                     std::string* out) {
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

std::string MessageSource::Content(const std::string& sender, const std::string& client,
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

std::string MessageSource::Extracted(Message* message) {
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

}  // namespace fleetqshape
