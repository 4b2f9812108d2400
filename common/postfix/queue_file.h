// The envelope of a message, read from its queue file.
#ifndef FLEETQSHAPE_COMMON_POSTFIX_QUEUE_FILE_H_
#define FLEETQSHAPE_COMMON_POSTFIX_QUEUE_FILE_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/postfix/record_reader.h"

namespace fleetqshape::postfix {

// True if a directory entry of that name can be a message: `[A-Za-z0-9]{6,}`. Postfix's temporary
// files have other names. qshape also takes a newline behind it.
bool IsQueueFileName(std::string_view name, Dialect dialect);

// True if the mode says that the message is complete and queued. Postfix asks for rwx of the owner
// (src/global/mail_open_ok.c); qshape also refuses group or other write or execute, and so misses
// messages that are marked "force-expire" (group execute).
bool IsReadyMode(mode_t mode, Dialect dialect);

// What a queue file says of its message. Reused for file after file.
class Envelope {
 public:
  // A message with more is damaged or hostile: a loop of pointers can make any number of them.
  static constexpr size_t kMaxRecipients = 1'000'000;

  // Arrival, in seconds since the Unix epoch. A double because qshape takes any number that stands
  // in the file; arrival_seconds() is what agents report.
  double arrival() const { return arrival_; }
  // The same in whole seconds, and within what a 53-bit integer holds.
  int64_t arrival_seconds() const;
  // Empty for the null sender.
  std::string_view sender() const { return View(sender_); }
  // True for a file as today's postdrop writes it: maildrop holds it until pickup takes it.
  bool written_by_postdrop() const { return written_by_postdrop_; }
  // Recipients still to be delivered.
  size_t recipient_count() const { return recipients_.size(); }
  std::string_view recipient(size_t index) const { return View(recipients_[index]); }

 private:
  friend class EnvelopeReader;
  using Span = std::pair<size_t, size_t>;  // offset and length in text_

  std::string_view View(Span span) const {
    return std::string_view(text_).substr(span.first, span.second);
  }
  Span Keep(std::string_view text);
  void Clear();

  double arrival_ = 0;
  bool written_by_postdrop_ = false;
  std::string text_;
  Span sender_;
  std::vector<Span> recipients_;
};

// What a file turned out to be.
enum class QueueFileKind {
  kMessage,       // the envelope is filled in
  kNoRecipients,  // a message with nobody left to deliver to
  kForeign,       // no queue file: its first record starts none
  kDamaged,       // a queue file that is cut off, malformed or beyond a bound
};

// Reads envelopes. One thread at a time; keeps its buffers from file to file.
class EnvelopeReader {
 public:
  // Reads the file open at `fd` (not owned; opened for reading), `status` being its fstat. `head`
  // is what RecordReader::ReadHead gave, if that was called.
  QueueFileKind Read(int fd, const struct stat& status, Dialect dialect, Envelope* envelope,
                     std::string_view head = {});
  // True if the system could not read all that was wanted of the last file; it is kDamaged then.
  bool read_failed() const { return records_.read_failed(); }

 private:
  // What is known of the message while its records are read.
  struct Progress;

  // The first records, up to where senders and recipients begin. True if they are a queue file's.
  bool ReadStart(const struct stat& status, Progress* progress, QueueFileKind* kind);
  QueueFileKind ReadRest(Progress* progress);
  bool FollowPointer(const Record& record);
  // Goes over the message content, to behind the X record that ends it.
  bool SkipContent(const Progress& progress);

  RecordReader records_;
  Envelope* envelope_ = nullptr;
  Dialect dialect_ = Dialect::kPostfix;
};

}  // namespace fleetqshape::postfix

#endif  // FLEETQSHAPE_COMMON_POSTFIX_QUEUE_FILE_H_
