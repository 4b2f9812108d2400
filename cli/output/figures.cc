#include "cli/output/figures.h"

#include <array>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fleetqshape {

std::string DurationText(int64_t seconds) {
  const auto units = [](int64_t large, const char* large_unit, int64_t small,
                        const char* small_unit) {
    return absl::StrCat(large, large_unit, small == 0 ? "" : absl::StrCat(small, small_unit));
  };
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m");
  if (seconds < 86400) return units(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return units(seconds / 86400, "d", seconds % 86400 / 3600, "h");
}

std::string AgeText(int64_t seconds) { return seconds < 0 ? "-" : DurationText(seconds); }

std::string CountText(uint64_t count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string GroupedCount(uint64_t count) {
  const std::string digits = absl::StrCat(count);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string ShareText(uint64_t count, uint64_t whole) {
  if (whole == 0) return "-";
  if (count == 0) return "0%";
  if (count == whole) return "100%";
  const double percent = 100 * static_cast<double>(count) / static_cast<double>(whole);
  if (percent < 0.1) return "<0.1%";
  // What is not all is not shown as all.
  return percent >= 99.95 && percent < 100 ? ">99.9%" : absl::StrFormat("%.1f%%", percent);
}

std::string TimeText(int64_t seconds) {
  const time_t time = seconds;
  std::tm utc{};
  std::array<char, 64> text{};
  if (gmtime_r(&time, &utc) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc) == 0) {
    return absl::StrCat(seconds, " seconds since 1970");
  }
  return text.data();
}

}  // namespace fleetqshape
