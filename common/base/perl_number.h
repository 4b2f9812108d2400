// Numbers as Perl reads, adds and prints them. qshape is a Perl program: what an option or a
// queue file record means as a number is what Perl makes of the text (perldoc perlnumber).
#ifndef FLEETQSHAPE_COMMON_BASE_PERL_NUMBER_H_
#define FLEETQSHAPE_COMMON_BASE_PERL_NUMBER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace fleetqshape {

// A Perl scalar in numeric context: an exact 64-bit integer where that is possible, else a double.
class PerlNumber {
 public:
  PerlNumber() = default;
  static PerlNumber FromUnsigned(uint64_t value);
  static PerlNumber FromDouble(double value);
  // The longest numeric prefix of `text`, 0 without one: "12abc" is 12, " 1e3" is 1000, "abc" is 0.
  // No hexadecimal. "inf" and "nan" in any case are those. If `whole` is given, it tells whether
  // all of the text was numeric (else Perl warns: isn't numeric).
  static PerlNumber Parse(std::string_view text, bool* whole = nullptr);

  double AsDouble() const;
  // The integer that Perl hands to a system call: truncated towards zero; above INT64_MAX the
  // unsigned 64-bit value's bits (so 2^64 and more become -1), below INT64_MIN that limit.
  int64_t AsSigned64() const;

  PerlNumber operator+(const PerlNumber& other) const;
  // As print shows it: all digits of an integer, 15 significant digits of a double, Inf, NaN.
  std::string ToString() const;

 private:
  // Parse, for texts that are not just a few digits.
  static PerlNumber ParseAny(std::string_view text, bool* whole);
  // The same number as an integer if it is a double with an integral value below `limit`.
  PerlNumber IntegerIfBelow(double limit) const;

  bool is_integer_ = true;
  bool negative_ = false;   // of integers
  uint64_t magnitude_ = 0;  // of integers
  double double_ = 0;       // of all others
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_PERL_NUMBER_H_
