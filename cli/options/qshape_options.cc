#include "cli/options/qshape_options.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/perl_number.h"
#include "common/shape/age_buckets.h"

namespace fleetqshape {
namespace {

// Wider than any terminal; qshape would try to print any width.
constexpr double kMaxWidth = 1'000'000;

// The value of a numeric option if it counts (is above `least`), as Perl reads it. A value that is
// no number gets a warning.
std::optional<PerlNumber> NumberAbove(double least, const char* option, const CLI::App& app,
                                      const std::string& value, std::string_view fallback) {
  if (app.get_option(option)->count() == 0) return std::nullopt;
  bool whole = false;
  const PerlNumber number = PerlNumber::Parse(value, &whole);
  const bool counts = number.AsDouble() > least;
  if (!whole) {
    PrintError(kProgram, absl::StrCat("warning: ", option, " ", value, ": not a number, using ",
                                      counts ? number.ToString() : std::string(fallback)));
  }
  return counts ? std::optional(number) : std::nullopt;
}

}  // namespace

absl::Status FillQshapeOptions(const CLI::App& app, const RawOptions& raw, CliOptions* options) {
  options->axis = raw.senders ? Axis::kSenderDomain : Axis::kRecipientDomain;
  options->rows.parents = raw.parents;
  options->buckets.linear = raw.linear;
  if (const auto value = NumberAbove(0, "-m", app, raw.min_subdomains, "5")) {
    options->rows.min_subdomains = value->AsDouble();
  }
  if (const auto value = NumberAbove(0, "-b", app, raw.bucket_count, "10")) {
    options->buckets.bucket_count = value->AsDouble();
    // Below one, qshape counts what is older than -t twice and shows no ages.
    if (!options->compat) {
      options->buckets.bucket_count = std::max(options->buckets.bucket_count, 1.0);
    }
  }
  if (options->buckets.bucket_count > AgeBuckets::kMaxBucketCount) {
    return absl::InvalidArgumentError(absl::StrCat(
        "-b ", raw.bucket_count, ": at most ", static_cast<int64_t>(AgeBuckets::kMaxBucketCount)));
  }
  if (const auto value = NumberAbove(0, "-t", app, raw.bucket_minutes, "5")) {
    options->buckets.bucket_minutes = value->AsDouble();
    options->text.bucket_minutes = *value;
  }
  if (const auto value = NumberAbove(80, "-w", app, raw.width, "80")) {
    options->text.width = value->AsDouble();
  }
  if (options->text.width > kMaxWidth) {
    return absl::InvalidArgumentError(
        absl::StrCat("-w ", raw.width, ": at most ", static_cast<int64_t>(kMaxWidth)));
  }
  options->text.bucket_count = options->buckets.bucket_count;
  options->text.linear = options->buckets.linear;
  if (app.get_option("-N")->count() > 0) {
    const auto value = NumberAbove(0, "-N", app, raw.redraw_messages, "0");
    options->redraw_messages = value ? value->AsDouble() : 0;
  }
  if (app.get_option("-n")->count() > 0) {
    const auto value = NumberAbove(0, "-n", app, raw.redraw_rows, "0");
    options->redraw_rows = value ? value->AsDouble() : 0;
  }
  return absl::OkStatus();
}

}  // namespace fleetqshape
