#include "cli/options/threshold.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/options/duration.h"
#include "common/base/nearest_word.h"
#include "common/base/status_macros.h"

namespace fleetqshape {

absl::StatusOr<Threshold> ParseThreshold(const std::string& text) {
  const size_t sign = text.find('>');
  if (sign == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--fail-if ", text, ": must be as total>10000, total>=1 or oldest>4h"));
  }
  Threshold threshold;
  threshold.text = text;
  threshold.reached_counts = text.substr(sign + 1, 1) == "=";
  const std::string figure(absl::StripAsciiWhitespace(text.substr(0, sign)));
  const std::string limit(
      absl::StripAsciiWhitespace(text.substr(sign + (threshold.reached_counts ? 2 : 1))));
  if (figure == "total") {
    if (limit.starts_with('-') || !absl::SimpleAtoi(limit, &threshold.limit)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--fail-if ", text, ": total is the number that TOTAL shows, as total>10000"));
    }
    return threshold;
  }
  if (figure != "oldest") {
    const std::string hint = DidYouMean(figure, {"total", "oldest"});
    return absl::InvalidArgumentError(absl::StrCat(
        "--fail-if ", text, ": there is no figure ", figure,
        hint.empty() ? "; there is total, as total>10000, and oldest, as oldest>4h" : hint));
  }
  threshold.figure = Threshold::Figure::kOldest;
  FQS_ASSIGN_OR_RETURN(const int64_t seconds,
                       ParseDuration(absl::StrCat("--fail-if ", text, ": oldest"), limit));
  threshold.limit = static_cast<uint64_t>(seconds);
  return threshold;
}

}  // namespace fleetqshape
