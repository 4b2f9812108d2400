#include "cli/options/selector.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/nearest_word.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"

namespace fleetqshape {
namespace {

class SelectorReader {
 public:
  explicit SelectorReader(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<LabelMatch>> Read() {
    std::vector<LabelMatch> matches;
    do {
      FQS_ASSIGN_OR_RETURN(LabelMatch match, ReadMatch());
      matches.push_back(std::move(match));
    } while (Take(","));
    SkipBlanks();
    if (place_ < text_.size()) return Wrong("");
    return matches;
  }

 private:
  absl::StatusOr<LabelMatch> ReadMatch() {
    LabelMatch match;
    match.negated = Take("!");
    match.key = Word();
    FQS_RETURN_IF_ERROR(CheckName("a key", match.key));
    if (match.negated) return match;
    match.negated = Take("!=");
    if (match.negated || Take("==") || Take("=")) {
      FQS_RETURN_IF_ERROR(AppendValue(&match));
      return match;
    }
    const size_t before = place_;
    const std::string word = Word();
    if (word.empty()) return match;
    match.negated = word == "notin";
    if (word != "in" && !match.negated) {
      place_ = before;
      return Wrong(DidYouMean(word, {"in", "notin"}));
    }
    if (!Take("(")) return Wrong("");
    do {
      FQS_RETURN_IF_ERROR(AppendValue(&match));
    } while (Take(","));
    if (!Take(")")) return Wrong("");
    return match;
  }

  absl::Status AppendValue(LabelMatch* match) {
    match->values.push_back(Word());
    return CheckName("a value", match->values.back());
  }

  absl::Status CheckName(const char* what, const std::string& name) const {
    return ValidateName(what, name).ok() ? absl::OkStatus() : Wrong("");
  }

  absl::Status Wrong(const std::string& hint) const {
    if (!hint.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--select ", std::string(text_), hint));
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "--select ", std::string(text_), ": must be KEY=VALUE, KEY!=VALUE, KEY in (VALUE,...), ",
        "KEY notin (VALUE,...), KEY or !KEY, or several with commas",
        place_ < text_.size() ? absl::StrCat("; wrong at ", std::string(text_.substr(place_)))
                              : "; something is missing at its end"));
  }

  void SkipBlanks() {
    while (place_ < text_.size() && text_[place_] == ' ') ++place_;
  }

  bool Take(std::string_view sign) {
    SkipBlanks();
    if (!text_.substr(place_).starts_with(sign)) return false;
    place_ += sign.size();
    return true;
  }

  // Up to the next sign or blank.
  std::string Word() {
    SkipBlanks();
    const size_t begin = place_;
    place_ = std::min(text_.find_first_of(" ,()=!", begin), text_.size());
    return std::string(text_.substr(begin, place_ - begin));
  }

  const std::string_view text_;
  size_t place_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<LabelMatch>> ParseSelector(const std::string& text) {
  return SelectorReader(text).Read();
}

}  // namespace fleetqshape
