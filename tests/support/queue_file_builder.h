// Writes Postfix queue files, record by record. Nothing here checks that a file makes sense: tests
// want those that make none, too.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_QUEUE_FILE_BUILDER_H_
#define FLEETQSHAPE_TESTS_SUPPORT_QUEUE_FILE_BUILDER_H_

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fleetqshape::test {

// A length in base 128, low bits first; spread over at least `least_bytes` bytes.
inline std::string EncodedLength(size_t length, size_t least_bytes = 1) {
  std::string bytes;
  while (length > 0x7F || bytes.size() + 1 < least_bytes) {
    bytes.push_back(static_cast<char>((length & 0x7F) | 0x80));
    length >>= 7;
  }
  bytes.push_back(static_cast<char>(length));
  return bytes;
}

// `value` in the 15 columns that Postfix gives to a pointer or a size.
inline std::string Column(long long value) {
  char text[32];
  std::snprintf(text, sizeof text, "%15lld", value);
  return text;
}

class QueueFileBuilder {
 public:
  QueueFileBuilder& Add(char type, std::string_view payload = "") {
    return AddWithLength(type, EncodedLength(payload.size()), payload);
  }
  // `length` in place of the payload's true length.
  QueueFileBuilder& AddWithLength(char type, std::string_view length, std::string_view payload) {
    bytes_.push_back(type);
    return AddBytes(length).AddBytes(payload);
  }
  QueueFileBuilder& AddBytes(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }

  // A pointer to `offset`; Where() gives the offset that the next record gets.
  QueueFileBuilder& AddPointer(size_t offset) {
    return Add('p', Column(static_cast<long long>(offset)));
  }
  size_t Where() const { return bytes_.size(); }
  // Writes `offset` into the pointer that stands at `pointer`.
  QueueFileBuilder& SetPointer(size_t pointer, size_t offset) {
    bytes_.replace(pointer + 2, kColumnBytes, Column(static_cast<long long>(offset)));
    return *this;
  }

  const std::string& bytes() const { return bytes_; }

 private:
  static constexpr size_t kColumnBytes = 15;

  std::string bytes_;
};

// What a message says of itself; the rest of its queue file is made up.
struct QueueMessage {
  std::string time = "1700000000 123456";
  std::string sender = "sender@example.com";
  std::vector<std::string> recipients = {"user@example.org"};
  std::vector<std::string> extracted_recipients = {};  // after the content, as of sendmail -t
  size_t content_bytes = 40;
  bool with_content_length = true;  // else the C record does not tell where the content ends
};

// The file as cleanup writes it.
inline std::string CleanupFile(const QueueMessage& message) {
  QueueFileBuilder content;
  size_t left = message.content_bytes;
  while (left > 0) {
    const size_t line = left < 1000 ? left : 1000;
    // Lines that look like records catch a reader that loses its way in the content.
    std::string text = "R\x05trapE";
    text.resize(line, '.');
    content.Add(left > 1000 ? 'L' : 'N', text);
    left -= line;
  }
  content.AddPointer(0);
  const auto build = [&](const std::string& sizes) {
    QueueFileBuilder file;
    file.Add('C', sizes).Add('T', message.time).Add('A', "rewrite_context=local");
    file.Add('S', message.sender);
    for (const std::string& recipient : message.recipients) {
      file.Add('O', "original@trap.example").Add('R', recipient);
    }
    file.Add('D', "done@trap.example").Add('/', "cancelled@trap.example").AddPointer(0).Add('M');
    const size_t data_offset = file.Where();
    file.AddBytes(content.bytes()).Add('X').Add('A', "inspect=1");
    for (const std::string& recipient : message.extracted_recipients) file.Add('R', recipient);
    file.AddPointer(0).Add('E');
    return std::pair(file.bytes(), data_offset);
  };
  const std::string blank(95, ' ');
  const auto length = static_cast<long long>(content.Where());
  std::string sizes = blank;
  if (message.with_content_length) {
    const auto offset = static_cast<long long>(build(blank).second);
    sizes = Column(length) + " " + Column(offset) + " " + Column(1) + " " + Column(0) + " " +
            Column(length) + " " + Column(0);
  }
  return build(sizes).first;
}

// The file as today's postdrop writes it to maildrop.
inline std::string PostdropFile(const QueueMessage& message) {
  QueueFileBuilder file;
  file.Add('T', message.time).Add('A', "rewrite_context=local").Add('F', "Full Name");
  file.Add('S', message.sender);
  for (const std::string& recipient : message.recipients) file.Add('R', recipient);
  file.Add('M').Add('N', "Subject: x").Add('N').Add('L', "long").Add('N', "line").Add('X');
  for (const std::string& recipient : message.extracted_recipients) file.Add('R', recipient);
  return file.Add('E').bytes();
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_QUEUE_FILE_BUILDER_H_
