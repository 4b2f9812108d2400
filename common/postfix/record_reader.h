// Records of a Postfix queue file.
//
// A record is one type byte, a length in base 128 with the low bits first, and the payload
// (postfix: src/global/record.c; the types: src/global/rec_type.h).
#ifndef FLEETQSHAPE_COMMON_POSTFIX_RECORD_READER_H_
#define FLEETQSHAPE_COMMON_POSTFIX_RECORD_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fleetqshape::postfix {

// The record types that a reader of envelopes looks at (src/global/rec_type.h).
enum RecordType : unsigned char {
  kRecordSize = 'C',      // first record of a file that cleanup wrote
  kRecordTime = 'T',      // arrival time: seconds, microseconds
  kRecordFullName = 'F',  // sender's full name: starts old maildrop files
  kRecordSender = 'S',
  kRecordRecipient = 'R',  // still to be delivered
  kRecordMessage = 'M',    // the content follows
  kRecordNormal = 'N',     // a line of content
  kRecordContinued = 'L',  // a piece of a long line of content
  kRecordPadding = 'w',    // padding in the content (REC_TYPE_DTXT)
  kRecordExtracted = 'X',  // the content is over; what was extracted from it follows
  kRecordPointer = 'p',    // go to that offset; 0: go on
  kRecordEnd = 'E',
};

// Whose reading of odd files is followed.
enum class Dialect {
  kPostfix,  // what Postfix itself would make of the file
  kQshape,   // what qshape makes of it, byte for byte, defects included
};

struct Record {
  unsigned char type = 0;
  int64_t payload_offset = 0;  // in the file
  int64_t length = 0;
};

// Reads records from an open file, through one buffer that is used for file after file. What a
// file costs is bounded: by kMaxBytesRead, and by kMaxBackwardJumps. One thread at a time.
class RecordReader {
 public:
  // A pointer record or a content length may lead backwards this often (REVERSE_JUMP_LIMIT in
  // src/global/record.c); a file that wants more is damaged or hostile.
  static constexpr int kMaxBackwardJumps = 10'000;
  // More than the envelope of any message with a hundred thousand recipients.
  static constexpr int64_t kMaxBytesRead = int64_t{64} << 20;
  // No payload beyond what qshape can read; Postfix itself writes no line longer than a few KB.
  static constexpr int64_t kMaxPayload = (int64_t{1} << 21) - 1;

  RecordReader();

  // Room for the head of any file.
  static constexpr size_t kMaxHead = 4096;

  // Reads the head of the file open at `fd`, `size` bytes long: what a reader wants of it first.
  // Empty if there is nothing or it can't be read; the reader then tries it again, and knows why.
  static std::string_view ReadHead(int fd, int64_t size, char* buffer);

  // Starts on the file open at `fd` (not owned), `size` bytes long, at its beginning. `head` is
  // what ReadHead gave, and stays valid while the file is read; or empty.
  void Start(int fd, int64_t size, Dialect dialect, std::string_view head = {});

  // Moves to the next record, the reader standing behind its payload then. False at the end of
  // the file, at a record that is cut off or malformed, at a read error or a bound.
  bool Next(Record* record);
  // As Next, but may pass over records of types that are not in RecordType.
  bool NextOfEnvelope(Record* record) {
    PassOverOthers();
    return Next(record);
  }
  // The payload of the record that Next gave last. Valid until the next call of any function.
  // False if it can't be read, or is longer than kMaxPayload.
  bool Payload(const Record& record, std::string_view* payload);
  // Goes to an offset from the file's start. False if that is before the file or a bound.
  bool Seek(int64_t offset);
  int64_t position() const { return position_; }
  // True if the system could not read from the file: it may be sound all the same.
  bool read_failed() const { return read_failed_; }

 private:
  int GetByte() {
    const int64_t index = position_ - window_start_;
    if (index >= 0 && index < window_length_) {
      ++position_;
      return static_cast<unsigned char>(window_[index]);
    }
    return GetByteBeyondWindow();
  }
  int GetByteBeyondWindow();
  // Most records of an envelope are attributes. Passes over those that lie whole in the window and
  // have a length of one byte, just as Next would; whatever it leaves, Next takes.
  void PassOverOthers();
  // As pread, to the end of `length` or a shorter count; notes a failure.
  int64_t ReadAt(char* buffer, int64_t length, int64_t offset);
  // Reads a new window that starts at `offset`. False if there is nothing.
  bool FillWindow(int64_t offset);

  std::unique_ptr<char[]> buffer_;
  const char* window_ = nullptr;  // buffer_, or the head that Start was given
  std::string long_payload_;      // one that does not fit into the window
  int fd_ = -1;
  int64_t size_ = 0;
  Dialect dialect_ = Dialect::kPostfix;
  int64_t position_ = 0;
  int64_t window_start_ = 0;
  int64_t window_length_ = 0;
  int64_t bytes_read_ = 0;
  int backward_jumps_ = 0;
  bool read_failed_ = false;
};

}  // namespace fleetqshape::postfix

#endif  // FLEETQSHAPE_COMMON_POSTFIX_RECORD_READER_H_
