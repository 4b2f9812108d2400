#include "agent/relay_facts.h"

#include <cstdint>

namespace fleetqshape {

v1::PostfixSettings ToProto(const PostfixSettings& settings) {
  v1::PostfixSettings proto;
  const auto number = [](int64_t value) { return static_cast<uint64_t>(value); };  // none is < 0
  proto.set_mail_version(settings.mail_version);
  proto.set_active_limit(number(settings.active_limit));
  proto.set_recipient_limit(number(settings.recipient_limit));
  proto.set_minimal_backoff_seconds(number(settings.minimal_backoff_seconds));
  proto.set_maximal_backoff_seconds(number(settings.maximal_backoff_seconds));
  proto.set_queue_run_delay_seconds(number(settings.queue_run_delay_seconds));
  proto.set_maximal_queue_lifetime_seconds(number(settings.maximal_queue_lifetime_seconds));
  proto.set_bounce_queue_lifetime_seconds(number(settings.bounce_queue_lifetime_seconds));
  return proto;
}

v1::FileCounts ToProto(const FileCounts& counts) {
  v1::FileCounts proto;
  proto.set_being_written(counts.of(FileKind::kBeingWritten));
  proto.set_unreadable(counts.of(FileKind::kUnreadable));
  proto.set_no_recipients(counts.of(FileKind::kNoRecipients));
  proto.set_foreign(counts.of(FileKind::kForeign));
  proto.set_damaged(counts.of(FileKind::kDamaged));
  proto.set_linked(counts.of(FileKind::kLinked));
  proto.set_force_expired(counts.force_expired);
  proto.set_group_readable(counts.group_readable);
  return proto;
}

}  // namespace fleetqshape
