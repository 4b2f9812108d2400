#include "cli/options/duration.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "common/base/time_unit.h"

namespace fleetqshape {
namespace {

constexpr int64_t kLongest = int64_t{100} * 366 * 86400;

}  // namespace

absl::StatusOr<int64_t> ParseDuration(const std::string& what, std::string_view text) {
  const auto wrong = [&](const char* why) {
    return absl::InvalidArgumentError(absl::StrCat(what, " ", std::string(text), ": ", why));
  };
  constexpr char kForm[] = "must be a time as 90 (seconds), 45s, 30m, 4h, 2d, 1w or 1h30m";
  int64_t sum = 0;
  int64_t last_unit = INT64_MAX;
  if (text.empty()) return wrong(kForm);
  for (size_t i = 0; i < text.size();) {
    int64_t number = 0;
    const size_t begin = i;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      number = std::min(number * 10 + (text[i] - '0'), kLongest + 1);
    }
    const bool plain_seconds = begin == 0 && i == text.size();
    const int64_t unit = plain_seconds ? 1 : i < text.size() ? UnitSeconds(text[i++]) : 0;
    if (i == begin || unit == 0 || unit >= last_unit || (!plain_seconds && i == begin + 1)) {
      return wrong(kForm);
    }
    last_unit = unit;
    sum += number * unit;
    if (number > kLongest || sum > kLongest) return wrong("at most 36600d");
  }
  return sum;
}

}  // namespace fleetqshape
