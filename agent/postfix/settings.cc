#include "agent/postfix/settings.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/base/time_unit.h"

namespace fleetqshape {
namespace {

constexpr size_t kMaxVersionBytes = 64;
constexpr const char* kVersionName = "mail_version";
constexpr char kNumber = 0;  // in place of a time's unit
constexpr int64_t kMaxLifetimeSeconds = 8'640'000;

// A parameter as the tables in src/qmgr/qmgr.c have it. A time without a unit is in the unit of the
// parameter's default value (src/global/mail_conf_time.c): "300s", "4000s", "5d".
struct Parameter {
  const char* name;
  int64_t PostfixSettings::*field;
  char unit;
  int64_t min;
  int64_t max;
};

constexpr Parameter kParameters[] = {
    {"qmgr_message_active_limit", &PostfixSettings::active_limit, kNumber, 1, INT_MAX},
    {"qmgr_message_recipient_limit", &PostfixSettings::recipient_limit, kNumber, 1, INT_MAX},
    {"minimal_backoff_time", &PostfixSettings::minimal_backoff_seconds, 's', 1, INT_MAX},
    {"maximal_backoff_time", &PostfixSettings::maximal_backoff_seconds, 's', 1, INT_MAX},
    {"queue_run_delay", &PostfixSettings::queue_run_delay_seconds, 's', 1, INT_MAX},
    {"maximal_queue_lifetime", &PostfixSettings::maximal_queue_lifetime_seconds, 'd', 0,
     kMaxLifetimeSeconds},
    {"bounce_queue_lifetime", &PostfixSettings::bounce_queue_lifetime_seconds, 'd', 0,
     kMaxLifetimeSeconds},
};

// As src/global/mail_conf_int.c: nothing may follow the number.
std::optional<int64_t> ParseNumber(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const long number = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno == ERANGE) return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::string> SettingNames() {
  std::vector<std::string> names = {kVersionName};
  for (const Parameter& parameter : kParameters) names.emplace_back(parameter.name);
  return names;
}

absl::StatusOr<PostfixSettings> ParseSettings(const std::vector<std::string>& values) {
  PostfixSettings settings;
  if (values.size() != 1 + std::size(kParameters)) {
    return absl::InvalidArgumentError("not one value for each setting");
  }
  settings.mail_version = values[0].substr(0, kMaxVersionBytes);
  for (size_t i = 0; i < std::size(kParameters); ++i) {
    const Parameter& parameter = kParameters[i];
    const std::string& text = values[i + 1];
    const std::optional<int64_t> value =
        parameter.unit == kNumber ? ParseNumber(text) : ParseTimeSeconds(text, parameter.unit);
    if (!value.has_value() || *value < parameter.min || *value > parameter.max) {
      return absl::InvalidArgumentError(
          absl::StrCat("Postfix refuses ", parameter.name, " = ", text));
    }
    settings.*parameter.field = *value;
  }
  settings.recipient_limit = std::max(settings.recipient_limit, settings.active_limit);
  settings.bounce_queue_lifetime_seconds =
      std::min(settings.bounce_queue_lifetime_seconds, settings.maximal_queue_lifetime_seconds);
  return settings;
}

std::optional<int64_t> ParseTimeSeconds(const std::string& text, char default_unit) {
  char* end = nullptr;
  errno = 0;
  const long number = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || errno == ERANGE || number < 0 || number > INT_MAX) return std::nullopt;
  const int64_t unit = UnitSeconds(*end == '\0' ? default_unit : *end);
  // Postfix compares with "less", except for seconds.
  if (unit == 0 || (unit > 1 && number >= INT_MAX / unit)) return std::nullopt;
  return number * unit;
}

}  // namespace fleetqshape
