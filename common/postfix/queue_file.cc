#include "common/postfix/queue_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "common/base/perl_number.h"

namespace fleetqshape::postfix {
namespace {

constexpr size_t kMinNameLength = 6;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

constexpr std::array<bool, 256> kIsAlphanumeric = [] {
  std::array<bool, 256> set{};
  for (unsigned char c = '0'; c <= '9'; ++c) set[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) set[c] = set[c | 0x20] = true;
  return set;
}();

// The first blank-separated field of a T record: empty if a blank comes first, absent if the record
// is empty (Perl's split).
std::optional<std::string_view> FirstField(std::string_view payload) {
  if (payload.empty()) return std::nullopt;
  const auto blank =
      std::find_if(payload.begin(), payload.end(), [](char c) { return IsSpace(c); });
  return payload.substr(0, static_cast<size_t>(blank - payload.begin()));
}

// Where the blanks end that stand at `position`. The numbers of a C record are padded to 15 bytes:
// eight at a time.
size_t SkipBlanks(std::string_view text, size_t position) {
  constexpr uint64_t kEightSpaces = 0x2020202020202020;
  uint64_t eight = 0;
  while (position + sizeof eight <= text.size()) {
    std::memcpy(&eight, text.data() + position, sizeof eight);
    if (eight != kEightSpaces) break;
    position += sizeof eight;
  }
  while (position < text.size() && IsSpace(text[position])) ++position;
  return position;
}

// The content length in a C record (REC_TYPE_SIZE_FORMAT): the first of at least three numbers.
std::optional<int64_t> ContentLength(std::string_view payload) {
  std::string_view first;
  size_t position = 0;
  for (int field = 0; field < 3; ++field) {
    const size_t digits = SkipBlanks(payload, position);
    if (field > 0 && digits == position) return std::nullopt;
    position = digits;
    while (position < payload.size() && IsDigit(payload[position])) ++position;
    if (position == digits) return std::nullopt;
    if (field == 0) first = payload.substr(digits, position - digits);
  }
  return PerlNumber::Parse(first).AsSigned64();
}

}  // namespace

bool IsQueueFileName(std::string_view name, Dialect dialect) {
  if (dialect == Dialect::kQshape && !name.empty() && name.back() == '\n') name.remove_suffix(1);
  return name.size() >= kMinNameLength &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return kIsAlphanumeric[c]; });
}

bool IsReadyMode(mode_t mode, Dialect dialect) {
  return (mode & (dialect == Dialect::kQshape ? 0733 : 0700)) == 0700;
}

int64_t Envelope::arrival_seconds() const {
  if (std::isnan(arrival_)) return 0;
  constexpr double kLimit = 9007199254740992.0;  // 2^53
  return static_cast<int64_t>(std::clamp(arrival_, -kLimit, kLimit));
}

Envelope::Span Envelope::Keep(std::string_view text) {
  const Span span(text_.size(), text.size());
  text_.append(text);
  return span;
}

void Envelope::Clear() {
  arrival_ = 0;
  written_by_postdrop_ = false;
  text_.clear();
  sender_ = {};
  recipients_.clear();
}

struct EnvelopeReader::Progress {
  std::optional<double> arrival;
  bool has_sender = false;
  std::optional<int64_t> content_length;
};

QueueFileKind EnvelopeReader::Read(int fd, const struct stat& status, Dialect dialect,
                                   Envelope* envelope, std::string_view head) {
  records_.Start(fd, status.st_size, dialect, head);
  envelope_ = envelope;
  dialect_ = dialect;
  envelope->Clear();
  Progress progress;
  QueueFileKind kind = QueueFileKind::kForeign;
  if (!ReadStart(status, &progress, &kind)) return kind;
  kind = ReadRest(&progress);
  if (progress.arrival) envelope->arrival_ = *progress.arrival;
  return kind;
}

bool EnvelopeReader::ReadStart(const struct stat& status, Progress* progress, QueueFileKind* kind) {
  *kind = QueueFileKind::kForeign;
  Record record;
  std::string_view payload;
  if (!records_.Next(&record)) return false;
  switch (record.type) {
    case kRecordSize:
      // Written by cleanup: the arrival time always comes second.
      *kind = QueueFileKind::kDamaged;
      if (!records_.Payload(record, &payload)) return false;
      progress->content_length = ContentLength(payload);
      if (!records_.Next(&record) || record.type != kRecordTime) return false;
      break;
    case kRecordTime:
      // Written by postdrop. qshape takes it for no queue file.
      if (dialect_ == Dialect::kQshape) return false;
      *kind = QueueFileKind::kDamaged;
      envelope_->written_by_postdrop_ = true;
      break;
    case kRecordFullName:
    case kRecordSender:
      // Written by a postdrop of long ago, which left the arrival time to the file system.
      *kind = QueueFileKind::kDamaged;
      progress->arrival = static_cast<double>(status.st_mtime);
      if (record.type == kRecordFullName &&
          (!records_.Next(&record) || record.type != kRecordSender)) {
        return false;
      }
      if (!records_.Payload(record, &payload)) return false;
      envelope_->sender_ = envelope_->Keep(payload);
      progress->has_sender = true;
      return true;
    default:
      return false;
  }
  if (!records_.Payload(record, &payload)) return false;
  if (const auto field = FirstField(payload)) {
    progress->arrival = PerlNumber::Parse(*field).AsDouble();
  }
  return true;
}

QueueFileKind EnvelopeReader::ReadRest(Progress* progress) {
  Record record;
  std::string_view payload;
  while (records_.NextOfEnvelope(&record)) {
    switch (record.type) {
      case kRecordPointer:
        if (!FollowPointer(record)) return QueueFileKind::kDamaged;
        break;
      case kRecordRecipient:
        if (!records_.Payload(record, &payload) ||
            envelope_->recipients_.size() == Envelope::kMaxRecipients) {
          return QueueFileKind::kDamaged;
        }
        envelope_->recipients_.push_back(envelope_->Keep(payload));
        break;
      case kRecordSender:
        if (!records_.Payload(record, &payload)) return QueueFileKind::kDamaged;
        envelope_->sender_ = envelope_->Keep(payload);
        progress->has_sender = true;
        break;
      case kRecordMessage:
        if (!progress->has_sender || !SkipContent(*progress)) return QueueFileKind::kDamaged;
        break;
      case kRecordEnd:
        if (!progress->arrival || !progress->has_sender) return QueueFileKind::kDamaged;
        return envelope_->recipients_.empty() ? QueueFileKind::kNoRecipients
                                              : QueueFileKind::kMessage;
      default:
        break;
    }
  }
  return QueueFileKind::kDamaged;
}

bool EnvelopeReader::FollowPointer(const Record& record) {
  std::string_view payload;
  if (!records_.Payload(record, &payload)) return false;
  const PerlNumber offset = PerlNumber::Parse(payload.substr(SkipBlanks(payload, 0)));
  return offset.AsDouble() > 0 ? records_.Seek(offset.AsSigned64()) : true;
}

bool EnvelopeReader::SkipContent(const Progress& progress) {
  Record record;
  if (progress.content_length) {
    int64_t end = 0;
    if (__builtin_add_overflow(records_.position(), *progress.content_length, &end) ||
        !records_.Seek(end) || !records_.Next(&record)) {
      return false;
    }
    return record.type == kRecordExtracted;
  }
  while (records_.Next(&record)) {
    const bool content = record.type == kRecordNormal || record.type == kRecordContinued ||
                         (record.type == kRecordPadding && dialect_ == Dialect::kPostfix);
    if (content) continue;
    if (record.type != kRecordPointer) return record.type == kRecordExtracted;
    if (!FollowPointer(record)) return false;
  }
  return false;
}

}  // namespace fleetqshape::postfix
