// What a Postfix instance's queue manager is configured to do, as far as its queues show it.
#ifndef FLEETQSHAPE_AGENT_POSTFIX_SETTINGS_H_
#define FLEETQSHAPE_AGENT_POSTFIX_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace fleetqshape {

// Values as qmgr(8) takes them from main.cf. (It may have others: those of the time when it was
// started, or of an option -o in master.cf.)
struct PostfixSettings {
  std::string mail_version;  // such as "3.7.11": any bytes, at most 64
  // How many messages, and recipients, active holds at most: qmgr_message_active_limit and
  // qmgr_message_recipient_limit. At least 1.
  int64_t active_limit = 0;
  int64_t recipient_limit = 0;
  // How long a deferred message waits at least, and at most. At least 1.
  int64_t minimal_backoff_seconds = 0;
  int64_t maximal_backoff_seconds = 0;
  // The time between two scans of deferred. At least 1.
  int64_t queue_run_delay_seconds = 0;
  // After these a message, or a bounce, is returned. 0: after one attempt.
  int64_t maximal_queue_lifetime_seconds = 0;
  int64_t bounce_queue_lifetime_seconds = 0;

  bool operator==(const PostfixSettings&) const = default;
};

// The parameters that make the settings, as postconf(5) names them.
std::vector<std::string> SettingNames();

// The settings from the values of SettingNames(), in that order, as `postconf -xh` prints them. As
// qmgr does, it raises recipient_limit to active_limit, and lowers bounce_queue_lifetime to
// maximal_queue_lifetime. INVALID_ARGUMENT, naming the parameter, for a value with which qmgr would
// refuse to start.
absl::StatusOr<PostfixSettings> ParseSettings(const std::vector<std::string>& values);

// A time as Postfix reads it (src/global/conv_time.c): a number and the letter s, m, h, d or w;
// without the letter, `default_unit`. What follows the letter is ignored; a missing number is 0.
// Nothing if Postfix refuses it: another letter, a sign of minus, or more than an int's seconds.
std::optional<int64_t> ParseTimeSeconds(const std::string& text, char default_unit);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_POSTFIX_SETTINGS_H_
