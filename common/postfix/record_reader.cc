#include "common/postfix/record_reader.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fleetqshape::postfix {
namespace {

constexpr int kEndOfFile = -1;

// A small file is read whole. Of a larger one, the envelope at its start comes first, and then the
// end, behind the content; copying less is worth more than saving a call. Whoever reads on without
// a gap wants more at a time.
constexpr int64_t kSmallFile = RecordReader::kMaxHead;
constexpr int64_t kFirstWindow = 1024;
constexpr int64_t kNextWindow = 4096;
constexpr int64_t kLargestWindow = int64_t{64} << 10;

// src/global/record.c takes lengths of up to 28 bits, qshape of up to 21.
constexpr int kLengthBytesPostfix = 4;
constexpr int kLengthBytesQshape = 3;

size_t HeadBytes(int64_t size) { return size <= kSmallFile ? kSmallFile : kFirstWindow; }

// Types that PassOverOthers leaves to Next: RecordType, and '0', at which qshape ends.
constexpr std::array<bool, 256> kLeftToNext = [] {
  std::array<bool, 256> types{};
  for (const unsigned char type : std::string_view("CTFSRMNLwXpE0")) types[type] = true;
  return types;
}();

}  // namespace

RecordReader::RecordReader() : buffer_(new char[kLargestWindow]) {}

std::string_view RecordReader::ReadHead(int fd, int64_t size, char* buffer) {
  if (size <= 0) return {};
  const ssize_t count = pread(fd, buffer, HeadBytes(size), 0);
  return {buffer, count > 0 ? static_cast<size_t>(count) : 0};
}

void RecordReader::Start(int fd, int64_t size, Dialect dialect, std::string_view head) {
  fd_ = fd;
  size_ = size;
  dialect_ = dialect;
  position_ = 0;
  window_ = head.data();
  window_start_ = 0;
  window_length_ = static_cast<int64_t>(head.size());
  bytes_read_ = window_length_;
  backward_jumps_ = 0;
  read_failed_ = false;
}

int64_t RecordReader::ReadAt(char* buffer, int64_t length, int64_t offset) {
  ssize_t count = 0;
  do {
    count = pread(fd_, buffer, static_cast<size_t>(length), offset);
  } while (count < 0 && errno == EINTR);
  read_failed_ |= count < 0;
  return count;
}

bool RecordReader::FillWindow(int64_t offset) {
  if (offset >= size_ || bytes_read_ >= kMaxBytesRead) return false;
  int64_t wanted = kNextWindow;
  if (bytes_read_ == 0) {
    wanted = static_cast<int64_t>(HeadBytes(size_));
  } else if (offset == window_start_ + window_length_) {
    wanted = kLargestWindow;
  }
  const int64_t count = ReadAt(buffer_.get(), wanted, offset);
  window_ = buffer_.get();
  window_start_ = offset;
  window_length_ = std::max<int64_t>(count, 0);
  bytes_read_ += window_length_;
  return count > 0;
}

int RecordReader::GetByteBeyondWindow() {
  if (!FillWindow(position_)) return kEndOfFile;
  ++position_;
  return static_cast<unsigned char>(window_[0]);
}

void RecordReader::PassOverOthers() {
  const int64_t start = position_ - window_start_;
  if (start < 0) return;
  // The window may reach beyond the size that the file had; a record may not.
  const int64_t end = std::min(window_length_, size_ - window_start_);
  int64_t index = start;
  while (index <= end - 2) {
    const auto type = static_cast<unsigned char>(window_[index]);
    const auto length = static_cast<unsigned char>(window_[index + 1]);
    if (kLeftToNext[type] || length > 0x7F || index + 2 + length > end) break;
    index += 2 + length;
  }
  position_ += index - start;
}

bool RecordReader::Next(Record* record) {
  // Nearly always type and length are in the window, and the length has one byte.
  const int64_t index = position_ - window_start_;
  if (index >= 0 && index <= window_length_ - 2) {
    const auto first = static_cast<unsigned char>(window_[index]);
    const auto second = static_cast<unsigned char>(window_[index + 1]);
    if (second <= 0x7F && first != '0') {
      if (second > 0 && second > size_ - position_ - 2) return false;
      *record = {first, position_ + 2, second};
      position_ += 2 + second;
      return true;
    }
  }
  const int type = GetByte();
  // qshape takes the character 0 for the end: in Perl it is false.
  if (type == kEndOfFile || (dialect_ == Dialect::kQshape && type == '0')) return false;
  const int max_length_bytes =
      dialect_ == Dialect::kQshape ? kLengthBytesQshape : kLengthBytesPostfix;
  int64_t length = 0;
  for (int i = 0;; ++i) {
    if (i == max_length_bytes) return false;
    const int byte = GetByte();
    if (byte == kEndOfFile) {
      // qshape makes do with the length bytes that there are.
      if (dialect_ == Dialect::kQshape) break;
      return false;
    }
    length |= static_cast<int64_t>(byte & 0x7F) << (7 * i);
    if ((byte & 0x80) == 0) break;
  }
  if (length > 0 && length > size_ - position_) return false;
  record->type = static_cast<unsigned char>(type);
  record->payload_offset = position_;
  record->length = length;
  position_ += length;
  return true;
}

bool RecordReader::Payload(const Record& record, std::string_view* payload) {
  if (record.length == 0) {
    *payload = {};
    return true;
  }
  int64_t index = record.payload_offset - window_start_;
  if (index >= 0 && index + record.length <= window_length_) {
    *payload = {window_ + index, static_cast<size_t>(record.length)};
    return true;
  }
  if (record.length <= kNextWindow) {
    if (!FillWindow(record.payload_offset) || window_length_ < record.length) return false;
    *payload = {window_, static_cast<size_t>(record.length)};
    return true;
  }
  if (record.length > kMaxPayload || bytes_read_ >= kMaxBytesRead) return false;
  long_payload_.resize(static_cast<size_t>(record.length));
  int64_t done = 0;
  while (done < record.length) {
    const int64_t count =
        ReadAt(long_payload_.data() + done, record.length - done, record.payload_offset + done);
    if (count <= 0) return false;
    done += count;
  }
  bytes_read_ += done;
  *payload = long_payload_;
  return true;
}

bool RecordReader::Seek(int64_t offset) {
  if (offset < 0) return false;
  if (offset < position_) {
    // What lies between will be gone over again. What is beyond a window is counted when it is
    // read.
    bytes_read_ += std::min(position_ - offset, kLargestWindow);
    if (++backward_jumps_ > kMaxBackwardJumps || bytes_read_ > kMaxBytesRead) return false;
  }
  position_ = offset;
  return true;
}

}  // namespace fleetqshape::postfix
