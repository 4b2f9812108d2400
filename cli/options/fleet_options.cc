#include "cli/options/fleet_options.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/options/duration.h"
#include "cli/options/threshold.h"
#include "common/base/nearest_word.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"
#include "common/options/value_list.h"
#include "common/shape/address.h"

namespace fleetqshape {
namespace {

using Words = std::vector<std::string>;

absl::Status Wrong(const std::string& text) { return absl::InvalidArgumentError(text); }

// The place of `typed` in `words`; the first one if nothing is typed.
template <typename Enum>
absl::Status FillChoice(const char* option, const std::string& typed, const Words& words,
                        Enum* choice) {
  if (typed.empty()) return absl::OkStatus();
  const auto found = std::find(words.begin(), words.end(), typed);
  if (found == words.end()) {
    const std::string hint = DidYouMean(typed, words);
    return Wrong(absl::StrCat(
        option, " ", typed,
        hint.empty() ? absl::StrCat(": there is ", absl::StrJoin(words, ", ")) : hint));
  }
  *choice = static_cast<Enum>(found - words.begin());
  return absl::OkStatus();
}

// As the table has it. The null sender's name is the only one with capitals.
std::string RowName(const std::string& typed) {
  if (absl::EqualsIgnoreCase(typed, std::string(kMailerDaemon))) return std::string(kMailerDaemon);
  return absl::AsciiStrToLower(typed);
}

absl::Status FillNames(const RawOptions& raw, CliOptions* options) {
  if (!raw.to.empty() && (!raw.from.empty() || raw.senders)) {
    return Wrong(absl::StrCat("--to chooses recipient domains, ",
                              raw.from.empty() ? "-s" : "--from", " is about senders: choose one"));
  }
  if (!raw.from.empty()) options->axis = Axis::kSenderDomain;
  const char* const option = raw.from.empty() ? "--to" : "--from";
  Words names = raw.from.empty() ? raw.to : raw.from;
  FQS_RETURN_IF_ERROR(SplitValues(option, &names));
  for (const std::string& name : names) {
    if (name.empty() || name == ".") {
      return Wrong(
          absl::StrCat(option, " needs a domain, as example.com, or .example.com for all below"));
    }
    options->names.push_back(RowName(name));
  }
  return absl::OkStatus();
}

absl::Status FillAges(const RawOptions& raw, CliOptions* options) {
  Words older = raw.older;
  Words younger = raw.younger;
  FQS_RETURN_IF_ERROR(SplitValues("--older", &older));
  FQS_RETURN_IF_ERROR(SplitValues("--younger", &younger));
  for (const std::string& text : older) {
    FQS_ASSIGN_OR_RETURN(const int64_t seconds, ParseDuration("--older", text));
    options->min_age_seconds = std::max(options->min_age_seconds.value_or(0), seconds);
  }
  for (const std::string& text : younger) {
    FQS_ASSIGN_OR_RETURN(const int64_t seconds, ParseDuration("--younger", text));
    options->max_age_seconds = std::min(options->max_age_seconds.value_or(INT64_MAX), seconds);
  }
  if (options->max_age_seconds &&
      *options->max_age_seconds <= options->min_age_seconds.value_or(0)) {
    return Wrong(options->min_age_seconds ? "nothing is as old as --older says and younger than "
                                            "--younger says: that must be the longer time"
                                          : "nothing is younger than --younger 0");
  }
  return absl::OkStatus();
}

absl::Status FillComparison(const std::string& text, CliOptions* options) {
  const size_t equals = text.find('=');
  options->compare_key = text.substr(0, equals);
  FQS_RETURN_IF_ERROR(ValidateName("--compare: the key", options->compare_key));
  if (options->compare_key == "relay" || options->compare_key == "queue") {
    return Wrong(absl::StrCat("--compare ", options->compare_key,
                              ": groups of relays are compared: by cluster, host, instance, role "
                              "or another label"));
  }
  if (equals == std::string::npos) return absl::OkStatus();
  options->compare_values = absl::StrSplit(text.substr(equals + 1), ',');
  std::set<std::string> seen;
  for (const std::string& value : options->compare_values) {
    FQS_RETURN_IF_ERROR(ValidateName(absl::StrCat("--compare ", text, ": a value"), value));
    if (!seen.insert(value).second) {
      return Wrong(absl::StrCat("--compare ", text, ": ", value, " is given twice"));
    }
  }
  if (seen.size() < 2) {
    return Wrong(absl::StrCat("--compare ", text, ": needs two values at least, as --compare ",
                              options->compare_key, "=A,B; without = all there are"));
  }
  return absl::OkStatus();
}

absl::Status CheckSort(const CliOptions& options) {
  const std::string& sort = options.sort;
  if (sort.empty() || sort == "total" || sort == "name") return absl::OkStatus();
  Words words = SortWords();
  if (options.compare_key.empty()) {
    if (sort == "share" || sort == "ratio") {
      return Wrong(absl::StrCat("--sort ", sort, " goes with --compare"));
    }
    words = {"total", "name"};
  } else {
    if (options.compare_values.empty()) return absl::OkStatus();
    words.insert(words.end(), options.compare_values.begin(), options.compare_values.end());
  }
  if (std::find(words.begin(), words.end(), sort) != words.end()) return absl::OkStatus();
  const std::string hint = DidYouMean(sort, words);
  return Wrong(
      absl::StrCat("--sort ", sort,
                   hint.empty() ? absl::StrCat(": there is ", absl::StrJoin(words, ", ")) : hint));
}

absl::Status FillWatch(const RawOptions& raw, CliOptions* options) {
  if (!raw.watch.empty()) {
    double seconds = kWatchSeconds;
    constexpr double kLongest = 86400;
    if (raw.watch != "true" &&
        (!absl::SimpleAtod(raw.watch, &seconds) || !(seconds >= 0.5) || seconds > kLongest)) {
      return Wrong(absl::StrCat("--watch ", raw.watch,
                                ": must be seconds between two pictures, 0.5 at least"));
    }
    options->watch_seconds = seconds;
  }
  if (!options->watch_seconds) return absl::OkStatus();
  if (options->output != Output::kTable && options->output != Output::kWide) {
    return Wrong("--watch draws on a terminal: --output is table or wide then");
  }
  if (options->at_seconds) return Wrong("--at stops the time, and --watch follows it: choose one");
  if (!options->fail_if.empty() || options->strict) {
    return Wrong("--strict and --fail-if are about one answer: not with --watch");
  }
  return absl::OkStatus();
}

absl::Status FillHow(const RawOptions& raw, CliOptions* options) {
  FQS_RETURN_IF_ERROR(FillChoice("--output", raw.output, OutputWords(), &options->output));
  return FillChoice("--color", raw.color, ColorWords(), &options->color);
}

}  // namespace

Words RowKeyWords() { return {"host", "relay", "cluster", "instance", "queue", "role"}; }
Words SortWords() { return {"total", "name", "share", "ratio"}; }
Words OutputWords() { return {"table", "wide", "json", "csv", "prometheus"}; }
Words ColorWords() { return {"auto", "always", "never"}; }

absl::Status FillLocalOptions(const CLI::App& app, const RawOptions& raw, CliOptions* options) {
  FQS_RETURN_IF_ERROR(FillHow(raw, options));
  for (const CLI::Option* option : app.parse_order()) {
    const std::string& group = option->get_group();
    const std::string name = option->get_name();
    if (group != kTableGroup && group != kOutputGroup) continue;
    const bool for_people = options->output == Output::kTable || options->output == Output::kWide;
    if (name == "--color" || name == "--unicode" || (name == "--output" && for_people)) continue;
    const std::string what = name == "--output" ? absl::StrCat(name, " ", raw.output) : name;
    return Wrong(absl::StrCat(what,
                              " is for questions to an aggregator; this one is about this "
                              "machine's queue files (a path, -c or --local was given)"));
  }
  return absl::OkStatus();
}

absl::Status FillFleetOptions(const CLI::App& app, const RawOptions& raw, CliOptions* options) {
  FQS_RETURN_IF_ERROR(FillHow(raw, options));
  FQS_RETURN_IF_ERROR(FillNames(raw, options));
  FQS_RETURN_IF_ERROR(FillAges(raw, options));
  if (IsTyped(app, {"--by"})) {
    FQS_RETURN_IF_ERROR(ValidateName("--by", options->rows_by));
    if (options->rows.parents) {
      return Wrong("-p adds rows for parent domains, and with --by rows are no domains");
    }
  }
  if (IsTyped(app, {"--compare"})) FQS_RETURN_IF_ERROR(FillComparison(raw.compare, options));
  FQS_RETURN_IF_ERROR(CheckSort(*options));
  if (IsTyped(app, {"--rows"})) {
    uint64_t rows = 0;
    if (raw.rows.starts_with('-') || !absl::SimpleAtoi(raw.rows, &rows)) {
      return Wrong(absl::StrCat("--rows ", raw.rows, ": must be a number of rows; 0: all"));
    }
    options->max_rows = rows;
  }
  for (const std::string& text : raw.fail_if) {
    FQS_ASSIGN_OR_RETURN(Threshold threshold, ParseThreshold(text));
    options->fail_if.push_back(std::move(threshold));
  }
  // A watched picture that the file or the environment wants strict is no mistake.
  if (options->watch_seconds || !raw.watch.empty()) {
    options->strict = options->strict && IsTyped(app, {"--strict"});
  }
  return FillWatch(raw, options);
}

}  // namespace fleetqshape
