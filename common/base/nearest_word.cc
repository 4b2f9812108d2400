#include "common/base/nearest_word.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace fleetqshape {
namespace {

// Longer words are nobody's typing mistake; the table below stays small.
constexpr size_t kMaxLength = 100;

size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> table(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) table[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) table[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
      }
    }
  }
  return table[a.size()][b.size()];
}

std::string WithoutDigits(std::string word) {
  std::erase_if(word, [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
  return word;
}

}  // namespace

std::string NearestWord(std::string_view typed, const std::vector<std::string>& words) {
  if (typed.empty() || typed.size() > kMaxLength) return "";
  const std::string lower = absl::AsciiStrToLower(std::string(typed));
  std::string nearest;
  size_t least = std::max<size_t>(typed.size() / 3, 1) + 1;
  for (const std::string& word : words) {
    if (word.size() > kMaxLength) continue;
    const std::string lower_word = absl::AsciiStrToLower(word);
    // Another number is another thing, mx2 no slip for mx1.
    if (lower_word != lower && WithoutDigits(lower_word) == WithoutDigits(lower)) continue;
    const size_t distance = Distance(lower, lower_word);
    // Two of three letters changed leave nothing of a short word.
    if (distance < least && distance < word.size() && distance < typed.size()) {
      least = distance;
      nearest = word;
    }
  }
  if (!nearest.empty()) return nearest;
  const auto starts = [&](const std::string& word) {
    return absl::StartsWithIgnoreCase(word, lower);
  };
  return std::count_if(words.begin(), words.end(), starts) == 1
             ? *std::find_if(words.begin(), words.end(), starts)
             : "";
}

std::string DidYouMean(std::string_view typed, const std::vector<std::string>& words) {
  const std::string word = NearestWord(typed, words);
  return word.empty() ? "" : absl::StrCat(": did you mean ", word, "?");
}

}  // namespace fleetqshape
