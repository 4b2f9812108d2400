// Settings and file counts of relays, for tests.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_RELAY_FACTS_H_
#define FLEETQSHAPE_TESTS_SUPPORT_RELAY_FACTS_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "fleetqshape/v1/relay.pb.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {

// Postfix's defaults, with another limit of active to tell them apart.
inline v1::PostfixSettings SettingsOf(uint64_t active_limit = 20'000) {
  v1::PostfixSettings settings;
  settings.set_mail_version("3.7.11");
  settings.set_active_limit(active_limit);
  settings.set_recipient_limit(20'000);
  settings.set_minimal_backoff_seconds(300);
  settings.set_maximal_backoff_seconds(4'000);
  settings.set_queue_run_delay_seconds(300);
  settings.set_maximal_queue_lifetime_seconds(432'000);
  settings.set_bounce_queue_lifetime_seconds(432'000);
  return settings;
}

// All counts differ from each other.
inline v1::FileCounts FileCountsOf(uint64_t being_written = 1) {
  v1::FileCounts files;
  files.set_being_written(being_written);
  files.set_unreadable(102);
  files.set_no_recipients(103);
  files.set_foreign(104);
  files.set_damaged(105);
  files.set_linked(106);
  files.set_force_expired(107);
  files.set_group_readable(108);
  return files;
}

inline uint64_t RandomNumber(RandomSource& random) {
  if (random.OneIn(10)) return std::numeric_limits<uint64_t>::max();
  return static_cast<uint64_t>(random.Between(0, 3));
}

// Few different ones, so that they also come back to what they were; and such as are empty
// messages.
inline v1::PostfixSettings RandomSettings(RandomSource& random) {
  v1::PostfixSettings settings;
  if (random.OneIn(2)) settings.set_mail_version(random.OneIn(2) ? "3.7.11" : "\xff\n");
  settings.set_active_limit(RandomNumber(random));
  return settings;
}
inline v1::FileCounts RandomFileCounts(RandomSource& random) {
  v1::FileCounts files;
  files.set_being_written(RandomNumber(random));
  if (random.OneIn(4)) files.set_group_readable(RandomNumber(random));
  return files;
}

// A message as text, to be compared and shown. What is not there differs from what is empty.
template <typename Message>
std::string TextOf(const std::shared_ptr<const Message>& message) {
  return message == nullptr ? "unknown" : "{" + message->ShortDebugString() + "}";
}
inline std::string TextOf(const google::protobuf::Message& message) {
  return "{" + message.ShortDebugString() + "}";
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_RELAY_FACTS_H_
