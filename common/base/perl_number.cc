#include "common/base/perl_number.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>

namespace fleetqshape {
namespace {

constexpr double kTwoTo53 = 9007199254740992.0;
constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr double kTwoTo64 = 18446744073709551616.0;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t SkipDigits(std::string_view text, size_t position) {
  while (position < text.size() && IsDigit(text[position])) ++position;
  return position;
}

// Length of the case-insensitive prefix `word` (lower case) of `text`, or 0.
size_t WordPrefix(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return 0;
  for (size_t i = 0; i < word.size(); ++i) {
    if ((text[i] | 0x20) != word[i]) return 0;
  }
  return word.size();
}

bool OnlySpaces(std::string_view text) {
  for (char c : text) {
    if (!IsSpace(c)) return false;
  }
  return true;
}

// A decimal with digits, optional point and exponent. Overflow gives infinity, underflow zero.
double ParseDecimal(std::string_view text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc::result_out_of_range) return value;
  // from_chars does not tell which of the two it is; strtod does.
  return std::strtod(std::string(text).c_str(), nullptr);
}

// Infinity or not a number, if the text (without sign) starts with one of the spellings that Perl
// knows: inf, infinity, nan, nanq, nans, nan(...), and those of Windows, 1.#INF, 1.#IND, 1.#QNAN.
std::optional<double> ParseNonFinite(std::string_view text, bool* whole) {
  size_t word = 0;
  if (!text.empty() && text[0] == '1') {
    word = text.size() > 1 && text[1] == '.' ? 2 : 1;
    if (word >= text.size() || text[word] != '#') return std::nullopt;
    ++word;
  }
  const std::string_view rest = text.substr(word);
  const auto matches = [&](std::string_view spelling) { return WordPrefix(rest, spelling) != 0; };
  size_t length = 0;
  bool infinite = false;
  if (matches("inf")) {
    infinite = true;
    length = word == 0 && matches("infinity") ? 8 : 3;
  } else if (matches("nan")) {
    length = 3;
    if (matches("nanq") || matches("nans")) length = 4;
    if (length == 3 && rest.size() > 3 && rest[3] == '(') {
      const size_t end = rest.find(')');
      if (end != std::string_view::npos) length = end + 1;
    }
  } else if (word > 0 && (matches("qnan") || matches("snan"))) {
    length = 4;
  } else if (word > 0 && matches("ind")) {
    length = 3;
  } else {
    return std::nullopt;
  }
  *whole = OnlySpaces(rest.substr(length));
  return infinite ? std::numeric_limits<double>::infinity()
                  : std::numeric_limits<double>::quiet_NaN();
}

// The exponent's end if a whole one starts at `position`, else `position`.
size_t SkipExponent(std::string_view text, size_t position) {
  if (position >= text.size() || (text[position] | 0x20) != 'e') return position;
  size_t digits = position + 1;
  if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
  const size_t end = SkipDigits(text, digits);
  return end > digits ? end : position;
}

}  // namespace

PerlNumber PerlNumber::FromUnsigned(uint64_t value) {
  PerlNumber number;
  number.magnitude_ = value;
  return number;
}

PerlNumber PerlNumber::FromDouble(double value) {
  PerlNumber number;
  number.is_integer_ = false;
  number.double_ = value;
  return number;
}

PerlNumber PerlNumber::IntegerIfBelow(double limit) const {
  if (is_integer_ || double_ != std::trunc(double_) || !(std::fabs(double_) < limit)) return *this;
  PerlNumber number = FromUnsigned(static_cast<uint64_t>(std::fabs(double_)));
  number.negative_ = double_ < 0;
  return number;
}

PerlNumber PerlNumber::Parse(std::string_view text, bool* whole) {
  // Nearly all numbers are a few digits and nothing else.
  constexpr size_t kSurelyFits = 18;
  if (!text.empty() && text.size() <= kSurelyFits) {
    uint64_t magnitude = 0;
    bool digits = true;
    for (const char c : text) {
      digits &= IsDigit(c);
      magnitude = magnitude * 10 + static_cast<uint64_t>(c - '0');
    }
    if (digits) {
      if (whole != nullptr) *whole = true;
      return FromUnsigned(magnitude);
    }
  }
  return ParseAny(text, whole);
}

PerlNumber PerlNumber::ParseAny(std::string_view text, bool* whole) {
  if (whole != nullptr) *whole = false;
  size_t start = 0;
  while (start < text.size() && IsSpace(text[start])) ++start;
  bool negative = false;
  if (start < text.size() && (text[start] == '+' || text[start] == '-')) {
    negative = text[start] == '-';
    ++start;
  }
  const std::string_view rest = text.substr(start);

  bool non_finite_whole = false;
  if (const auto value = ParseNonFinite(rest, &non_finite_whole)) {
    if (whole != nullptr) *whole = non_finite_whole;
    return FromDouble(negative ? -*value : *value);
  }

  const size_t integer_end = SkipDigits(rest, 0);
  size_t end = integer_end;
  if (end < rest.size() && rest[end] == '.') {
    const size_t fraction_end = SkipDigits(rest, end + 1);
    // A point needs a digit on one side.
    if (integer_end > 0 || fraction_end > end + 1) end = fraction_end;
  }
  if (end == 0) return PerlNumber();
  const size_t mantissa_end = end;
  end = SkipExponent(rest, end);
  if (whole != nullptr) *whole = OnlySpaces(rest.substr(end));

  if (mantissa_end == integer_end && end == mantissa_end) {
    uint64_t magnitude = 0;
    const auto result = std::from_chars(rest.data(), rest.data() + integer_end, magnitude);
    const bool fits = result.ec == std::errc() && (!negative || magnitude <= (uint64_t{1} << 63));
    if (fits) {
      PerlNumber number = FromUnsigned(magnitude);
      number.negative_ = negative && magnitude != 0;
      return number;
    }
  }
  // In text, a whole number is an integer however it is written: "1e18".
  const double value = ParseDecimal(rest.substr(0, end));
  return FromDouble(negative ? -value : value).IntegerIfBelow(negative ? kTwoTo63 : kTwoTo64);
}

double PerlNumber::AsDouble() const {
  if (!is_integer_) return double_;
  const double value = static_cast<double>(magnitude_);
  return negative_ ? -value : value;
}

int64_t PerlNumber::AsSigned64() const {
  if (is_integer_) {
    return static_cast<int64_t>(negative_ ? uint64_t{0} - magnitude_ : magnitude_);
  }
  if (std::isnan(double_)) return 0;
  if (double_ <= -kTwoTo63) return std::numeric_limits<int64_t>::min();
  if (double_ < kTwoTo63) return static_cast<int64_t>(double_);
  if (double_ < kTwoTo64) {
    return static_cast<int64_t>(static_cast<uint64_t>(double_));
  }
  return -1;
}

PerlNumber PerlNumber::operator+(const PerlNumber& other) const {
  // A double that is a whole number is one again when it is added to, if it is surely exact.
  const PerlNumber a = IntegerIfBelow(kTwoTo53);
  const PerlNumber b = other.IntegerIfBelow(kTwoTo53);
  uint64_t sum = 0;
  if (a.is_integer_ && b.is_integer_ && !a.negative_ && !b.negative_ &&
      !__builtin_add_overflow(a.magnitude_, b.magnitude_, &sum)) {
    return FromUnsigned(sum);
  }
  return FromDouble(AsDouble() + other.AsDouble());
}

std::string PerlNumber::ToString() const {
  if (is_integer_) return (negative_ ? "-" : "") + std::to_string(magnitude_);
  if (std::isnan(double_)) return "NaN";
  if (std::isinf(double_)) return double_ > 0 ? "Inf" : "-Inf";
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.15g", double_);
  return buffer;
}

}  // namespace fleetqshape
