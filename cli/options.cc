#include "cli/options.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>

#include "CLI/App.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/perl_number.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape";
constexpr char kQshapeGroup[] = "qshape's options";
// What stands in place of queues.
constexpr char kRelays[] = "relays";
constexpr char kForget[] = "forget";
// Wider than any terminal; qshape would try to print any width.
constexpr double kMaxWidth = 1'000'000;

constexpr char kDescription[] =
    "Prints the distribution of queued mail by domain and age, as qshape does: of the relays of a "
    "fleet (from an aggregator), or of this machine's queue files.";

constexpr char kFooter[] = R"(
Queues: maildrop hold incoming active deferred; incoming and active unless given.
An absolute path, -c or --local reads this machine's queue files.
In place of queues: relays lists the relays of the fleet, relays forget lets the aggregator forget
those that are chosen, if their agents are gone.

Examples:
  fleetqshape deferred                        what is stuck in the fleet, by recipient domain
  fleetqshape -s hold --cluster eu            who sent what is on hold in the cluster eu
  fleetqshape -p deferred --role gateway      parent domains too, on the gateways only
  fleetqshape relays --cluster eu             the relays of eu, and when they were heard of
  fleetqshape relays forget --host mx1        mx1 is gone for good
  fleetqshape --local deferred                this machine's queue, no aggregator
  fleetqshape /var/spool/postfix/deferred     the same
  fleetqshape --compat /var/spool/postfix/deferred    to the byte what qshape prints

Exit status: 0 answered, 1 error, 2 wrong usage.
)";

// The options as they are typed.
struct RawOptions {
  bool senders = false;
  bool parents = false;
  bool linear = false;
  bool local = false;
  std::string min_subdomains;
  std::string bucket_count;
  std::string bucket_minutes;
  std::string width;
  std::string redraw_messages;
  std::string redraw_rows;
  std::string at;
  std::vector<std::string> selects;
};

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

// Where the data comes from, and whether the options for it fit each other.
absl::Status FillSource(const RawOptions& raw, bool selects, CliOptions* options) {
  const bool any_path = std::any_of(options->queues.begin(), options->queues.end(),
                                    [](const auto& queue) { return queue.starts_with('/'); });
  options->local = raw.local || any_path || !options->config_directory.empty();
  if (options->local && selects) {
    return absl::InvalidArgumentError(
        "--cluster, --host, --role and --select choose relays of a fleet; this question is about "
        "this machine's queue files (a path, -c or --local was given)");
  }
  if (options->compat && !options->local) {
    return absl::InvalidArgumentError(
        "--compat counts this machine's queue files: give a path, -c DIR or --local");
  }
  if (!options->local && options->servers.empty()) {
    return absl::InvalidArgumentError(
        "no aggregator to ask: give --server HOST:PORT, or set FLEETQSHAPE_SERVER or `server` in "
        "the configuration file that --help names; or read this machine's queue with --local");
  }
  for (const std::string& select : raw.selects) {
    const size_t equals = select.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == select.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--select ", select, ": must be KEY=VALUE, as role=gateway"));
    }
    options->matches.push_back({select.substr(0, equals), {select.substr(equals + 1)}});
  }
  return options->local ? absl::OkStatus() : ValidateAddress("--server", options->servers.front());
}

// `relays` and `relays forget` are no queues of a fleet. Of this machine's files they are, as for
// qshape. `selects`: the command line itself does.
absl::Status FillQuestion(const CLI::App& app, const RawOptions& raw, bool selects,
                          CliOptions* options) {
  if (!options->local && options->queues[0] == kRelays) {
    const bool forget = options->queues.size() == 2 && options->queues[1] == kForget;
    if (options->queues.size() > 1 && !forget) {
      return absl::InvalidArgumentError(absl::StrCat(
          "relays ", options->queues[1],
          ": it is `fleetqshape relays` or `fleetqshape relays forget`, and no queue with either"));
    }
    options->question = forget ? Question::kForget : Question::kRelays;
  }
  if (options->stranded && options->question != Question::kForget) {
    return absl::InvalidArgumentError("--stranded goes with `fleetqshape relays forget`");
  }
  if (options->question == Question::kTable) return absl::OkStatus();
  const bool table_option =
      !raw.at.empty() || !app.get_options([](const CLI::Option* option) {
                               return option->get_group() == kQshapeGroup && option->count() > 0;
                             })
                              .empty();
  if (table_option) {
    return absl::InvalidArgumentError(
        "relays takes the options that choose relays, and none that is about a table of mail");
  }
  if (options->question == Question::kForget && !selects) {
    return absl::InvalidArgumentError(
        "which relays are to be forgotten? Choose them on the command line, with --cluster, "
        "--host, --role or --select");
  }
  return absl::OkStatus();
}

absl::Status FillTime(const std::string& at, CliOptions* options) {
  if (at.empty()) return absl::OkStatus();
  bool whole = false;
  const PerlNumber seconds = PerlNumber::Parse(at, &whole);
  constexpr double kLatest = 4102444800.0 * 100;  // some millennia on: a mistake, surely
  if (!whole || seconds.AsDouble() < 1 || seconds.AsDouble() > kLatest) {
    return absl::InvalidArgumentError(
        absl::StrCat("--at ", at, ": must be seconds since the Unix epoch, as `date +%s` prints"));
  }
  options->at_seconds = seconds.AsSigned64();
  return absl::OkStatus();
}

std::string DefaultConfigFile() {
  const char* base = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  std::string directory;
  if (base != nullptr && *base == '/') {
    directory = base;
  } else if (home != nullptr && *home != '\0') {
    directory = absl::StrCat(home, "/.config");
  } else {
    return "";
  }
  return directory + "/fleetqshape/config.toml";
}

void AddQshapeOptions(CLI::App* app, RawOptions* raw, CliOptions* options) {
  constexpr const char* kGroup = kQshapeGroup;
  const auto last = CLI::MultiOptionPolicy::TakeLast;
  app->add_flag("-s", raw->senders, "Sender domains and messages, not recipients")->group(kGroup);
  app->add_flag("-p", raw->parents, "Parent domains too, with a leading dot")->group(kGroup);
  app->add_option("-m", raw->min_subdomains, "Subdomains that a parent needs to be shown (5)")
      ->type_name("MIN")
      ->multi_option_policy(last)
      ->group(kGroup);
  app->add_option("-b", raw->bucket_count, "Number of age columns (10)")
      ->type_name("COUNT")
      ->multi_option_policy(last)
      ->group(kGroup);
  app->add_option("-t", raw->bucket_minutes, "Age limit of the first age column (5)")
      ->type_name("MINUTES")
      ->multi_option_policy(last)
      ->group(kGroup);
  app->add_flag("-l", raw->linear, "Ages in equal steps, not doubling")->group(kGroup);
  app->add_option("-w", raw->width, "Width of the table, if above 80")
      ->type_name("COLUMNS")
      ->multi_option_policy(last)
      ->group(kGroup);
  app->add_option("-N", raw->redraw_messages,
                  "On a terminal, of local files: redraw after so many messages (1000)")
      ->type_name("MESSAGES")
      ->multi_option_policy(last)
      ->group(kGroup);
  app->add_option("-n", raw->redraw_rows, "On a terminal: show this many rows only (20; 0: all)")
      ->type_name("ROWS")
      ->multi_option_policy(last)
      ->group(kGroup);
  app->add_option("-c", options->config_directory,
                  "Local files: the Postfix instance with this config_directory")
      ->type_name("DIR")
      ->multi_option_policy(last)
      ->group(kGroup);
}

void AddOwnOptions(CLI::App* app, RawOptions* raw, CliOptions* options) {
  app->add_option("--server", options->servers, "The aggregator to ask (its query address)")
      ->type_name("HOST:PORT");
  app->add_option("--cluster", options->clusters, "Relays of these clusters; may be repeated")
      ->type_name("NAME,...");
  app->add_option("--host", options->hosts, "Relays on these hosts; may be repeated")
      ->type_name("NAME,...");
  app->add_option("--role", options->roles, "Relays with these labels role; may be repeated")
      ->type_name("NAME,...");
  app->add_option("--select", raw->selects, "Relays with these labels, all of them")
      ->type_name("KEY=VALUE,...");
  app->add_flag("--local", raw->local, "This machine's queue files, without an aggregator");
  app->add_flag("--compat", options->compat,
                "Local files: count and print as qshape does, its defects included");
  app->add_option("--at", raw->at, "Measure ages at this time instead of now")
      ->type_name("UNIX-SECONDS");
  app->add_flag("-v,--verbose", options->verbose,
                "Local files: say on standard error what was not counted, and why");
}

// The options that choose relays.
constexpr std::array<const char*, 4> kSelectionOptions = {"--cluster", "--host", "--role",
                                                          "--select"};

// Each of CLI11's list options takes all words that follow; these take one word each time, which
// may be a list.
void TakeListsInOneWord(CLI::App* app) {
  for (const char* name : kSelectionOptions) {
    app->get_option(name)->allow_extra_args(false)->delimiter(',');
  }
  app->get_option("--server")->allow_extra_args(false)->delimiter(',');
}

// True if the command line itself chooses relays. What the environment and the configuration file
// choose is a default for questions to the fleet, and nothing to a local scan.
bool CommandLineSelects(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    for (const std::string_view option : kSelectionOptions) {
      if (word == option || (word.starts_with(option) && word[option.size()] == '=')) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<CliOptions> ParseCliOptions(int argc, const char* const* argv, int* exit_status) {
  CliOptions options;
  RawOptions raw;
  CLI::App app(kDescription, kProgram);
  app.footer(kFooter);
  app.set_version_flag("--version", "fleetqshape " FLEETQSHAPE_VERSION);
  AddQshapeOptions(&app, &raw, &options);
  AddOwnOptions(&app, &raw, &options);
  TakeListsInOneWord(&app);
  AddLayers(&app, "FLEETQSHAPE_", DefaultConfigFile());
  app.add_option("QUEUE", options.queues, "Queues, by name or as absolute paths");
  // For one call: neither the environment nor the file has it.
  app.add_flag("--stranded", options.stranded,
               "relays forget: also relays whose queues were not empty")
      ->configurable(false);
  if (!ParseOptions(&app, argc, argv, exit_status)) return std::nullopt;

  if (options.queues.empty()) options.queues = {"incoming", "active"};
  const bool selects = CommandLineSelects(argc, argv);
  absl::Status valid = FillSource(raw, selects, &options);
  if (valid.ok()) valid = FillQuestion(app, raw, selects, &options);
  if (valid.ok()) valid = FillTime(raw.at, &options);
  if (valid.ok()) valid = FillQshapeOptions(app, raw, &options);
  if (!valid.ok()) {
    PrintError(kProgram, std::string(valid.message()));
    *exit_status = kExitUsage;
    return std::nullopt;
  }
  return options;
}

}  // namespace fleetqshape
