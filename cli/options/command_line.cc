#include "cli/options/command_line.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/options/help_text.h"

namespace fleetqshape {
namespace {

constexpr char kDescription[] =
    "Prints the distribution of queued mail by domain and age, as qshape does: of the relays of a "
    "fleet (from an aggregator), or of this machine's queue files.";

constexpr char kFooter[] = R"(
QUEUE: maildrop, hold, incoming, active or deferred of the fleet; incoming and
active unless given. An absolute path, -c or --local reads this machine's queue
files. Long options that last, as --server, may also stand in the configuration
file (server = "HOST:PORT") and in the environment (FLEETQSHAPE_SERVER).

In place of queues:
  relays                    the relays of the fleet
  relays forget             lets the aggregator forget those that are chosen
  top [QUEUE...]            watches incoming, active and deferred (see --watch)
  context list|use NAME     the fleets that the configuration file names
  completion bash|zsh|fish  prints what makes that shell complete words

What is stuck, and for whom?
  fleetqshape deferred                    in the fleet, by recipient domain
  fleetqshape -s hold --cluster eu        who sent what is on hold in eu
  fleetqshape -p deferred --role gateway  parent domains too, on gateways
  fleetqshape deferred --older 4h --to gmail.com --to .example.com
Where is it?
  fleetqshape deferred --by host          which hosts hold the most
  fleetqshape deferred --host mx1         for whom that is, on one of them
  fleetqshape deferred --to gmail.com --by host
  fleetqshape active --by relay           and how full each active queue is
Which part of the fleet is it?
  fleetqshape deferred --compare role
  fleetqshape deferred --compare cluster=eu,us --sort total
What happens now?
  fleetqshape top
  fleetqshape deferred --watch 5 --by host
Are all relays well?
  fleetqshape relays --select 'role in (gateway,spam),!draining'
  fleetqshape relays forget --host mx1    mx1 is gone for good
For programs:
  fleetqshape deferred --output json
  fleetqshape deferred --strict --fail-if 'total>10000' --fail-if 'oldest>4h'
This machine's queue, no aggregator:
  fleetqshape --local deferred
  fleetqshape /var/spool/postfix/deferred
  fleetqshape --compat /var/spool/postfix/deferred
                                          to the byte what qshape prints

Exit status: 0 answered, 1 error, 2 wrong usage, 3 answered but not from every
relay (--strict), 4 a threshold is crossed (--fail-if; wins over 3).
)";

CLI::Option* AddQshapeOption(CLI::App* app, const char* name, std::string* text,
                             const char* type_name, const char* description) {
  return app->add_option(name, *text, description)
      ->type_name(type_name)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(kQshapeGroup);
}

void AddQshapeOptions(CLI::App* app, RawOptions* raw, CliOptions* options) {
  app->add_flag("-s", raw->senders, "Sender domains and messages, not recipients")
      ->group(kQshapeGroup);
  app->add_flag("-p", raw->parents, "Parent domains too, with a leading dot")->group(kQshapeGroup);
  AddQshapeOption(app, "-m", &raw->min_subdomains, "MIN",
                  "Subdomains that a parent needs to be shown (5)");
  AddQshapeOption(app, "-b", &raw->bucket_count, "COUNT", "Number of age columns (10)");
  AddQshapeOption(app, "-t", &raw->bucket_minutes, "MINUTES",
                  "Age limit of the first age column (5)");
  app->add_flag("-l", raw->linear, "Ages in equal steps, not doubling")->group(kQshapeGroup);
  AddQshapeOption(app, "-w", &raw->width, "COLUMNS", "Width of the table, if above 80");
  AddQshapeOption(app, "-N", &raw->redraw_messages, "MESSAGES",
                  "On a terminal, of local files: redraw after so many messages (1000)");
  AddQshapeOption(app, "-n", &raw->redraw_rows, "ROWS",
                  "On a terminal: show this many rows only (20; 0: all)");
  AddQshapeOption(app, "-c", &options->config_directory, "DIR",
                  "Local files: the Postfix instance with this config_directory");
}

// Each of CLI11's list options takes all words that follow; these take one word each time, which
// may be a list: SplitValues. (Where CLI11 splits, an empty value makes it take the next word.)
template <typename List>
CLI::Option* AddList(CLI::App* app, const char* name, List* list, const char* type_name,
                     const char* description) {
  return app->add_option(name, *list, description)->type_name(type_name)->allow_extra_args(false);
}

CLI::Option* AddLast(CLI::App* app, const char* name, std::string* text, const char* type_name,
                     const char* description) {
  return app->add_option(name, *text, description)
      ->type_name(type_name)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

// These have a variable in the environment and a key in the file.
void AddLastingOptions(CLI::App* app, RawOptions* raw, CliOptions* options) {
  AddList(app, "--server", &options->servers, "HOST:PORT,...",
          "The aggregator to ask: its query address, usually of port 7778; several are tried in "
          "turn")
      ->group(kSourceGroup);
  AddLast(app, "--context", &options->context, "NAME",
          "Ask the fleet that has this name in the configuration file")
      ->group(kSourceGroup);
  app->add_flag("--tls", options->tls.required,
                "Encrypt, and trust the authorities that this system knows")
      ->group(kSourceGroup);
  AddLast(app, "--tls-ca", &options->tls.ca_file, "FILE",
          "Encrypt, and trust the authorities in this file")
      ->group(kSourceGroup);
  AddLast(app, "--tls-certificate", &options->tls.certificate_file, "FILE",
          "Encrypt, and show the aggregator this certificate")
      ->group(kSourceGroup);
  AddLast(app, "--tls-key", &options->tls.key_file, "FILE", "The key of that certificate")
      ->group(kSourceGroup);
  AddList(app, "--cluster", &options->clusters, "NAME,...",
          "Relays of these clusters; may be repeated")
      ->group(kSelectionGroup);
  AddList(app, "--host", &options->hosts, "NAME,...", "Relays on these hosts; may be repeated")
      ->group(kSelectionGroup);
  AddList(app, "--role", &options->roles, "NAME,...",
          "Relays with these labels role; may be repeated")
      ->group(kSelectionGroup);
  app->add_option("--select", raw->selects,
                  "Relays with these labels, all of them: KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY "
                  "notin (A,B), KEY, !KEY")
      ->type_name("CONDITION,...")
      ->allow_extra_args(false)
      ->group(kSelectionGroup);
  app->add_flag("--local", raw->local, "This machine's queue files, without an aggregator");
  app->add_flag("--compat", options->compat,
                "Local files: count and print as qshape does, its defects included");
  AddLast(app, "--at", &raw->at, "UNIX-SECONDS", "Measure ages at this time instead of now");
  app->add_flag(
      "-v,--verbose", options->verbose,
      "Local files: say on standard error what was not counted, and why; a fleet: what gRPC "
      "says where nobody answers");
  AddLast(app, "--output", &raw->output, "FORM",
          "table; wide (names uncut, shares, median and oldest ages); json, csv or prometheus")
      ->group(kOutputGroup);
  AddLast(app, "--color", &raw->color, "WHEN", "auto, always or never")->group(kOutputGroup);
  app->add_flag("--unicode", options->unicode, "Internationalized names as people write them")
      ->group(kOutputGroup);
  app->add_flag("--strict", options->strict, "Exit status 3 if the answer is not from every relay")
      ->group(kOutputGroup);
}

// Of one question only.
void AddQuestionOptions(CLI::App* app, RawOptions* raw, CliOptions* options) {
  AddLast(app, "--by", &options->rows_by, "KEY",
          "A row for each host, relay, cluster, instance, queue or value of a label")
      ->group(kTableGroup);
  AddList(app, "--to", &raw->to, "DOMAIN,...", "Only these recipient domains; .DOMAIN: all below")
      ->group(kTableGroup);
  AddList(app, "--from", &raw->from, "DOMAIN,...", "Only these sender domains; implies -s")
      ->group(kTableGroup);
  AddList(app, "--older", &raw->older, "TIME", "Only what is at least as old: 90, 45s, 30m, 4h, 2d")
      ->group(kTableGroup);
  AddList(app, "--younger", &raw->younger, "TIME", "Only what is younger")->group(kTableGroup);
  AddLast(app, "--compare", &raw->compare, "KEY[=A,B,...]",
          "Groups of relays side by side: by role, cluster or any label")
      ->group(kTableGroup);
  AddLast(app, "--sort", &options->sort, "HOW",
          "total or name; in a comparison also share (the largest difference of shares, the "
          "default), ratio, or a group")
      ->group(kTableGroup);
  AddLast(app, "--rows", &raw->rows, "N", "Only the first N rows; 0: all")->group(kTableGroup);
  app->add_flag("--watch", raw->watch, "Again each SECONDS (2), until q: --watch=SECONDS")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(kOutputGroup);
  app->add_option("--fail-if", raw->fail_if,
                  "Exit status 4 if total>N or oldest>TIME; may be repeated")
      ->type_name("FIGURE>LIMIT")
      ->allow_extra_args(false)
      ->group(kOutputGroup);
  app->add_flag("--check", options->check, "relays: the exit status says if all are well");
  app->add_flag("--stranded", options->stranded,
                "relays forget: also relays whose queues were not empty");
}

}  // namespace

void DeclareOptions(CLI::App* app, const std::string& default_config_file,
                    const KeysOfFile& keys_of_file, RawOptions* raw, CliOptions* options) {
  app->name(kProgram);
  app->description(kDescription);
  app->footer(kFooter);
  app->formatter(std::make_shared<HelpText>(std::vector<std::string>{
      kQshapeGroup, kSelectionGroup, kTableGroup, kOutputGroup, kSourceGroup, "Options"}));
  app->set_version_flag("--version", "fleetqshape " FLEETQSHAPE_VERSION);
  AddQshapeOptions(app, raw, options);
  AddLastingOptions(app, raw, options);
  AddLayers(app, "FLEETQSHAPE_", default_config_file, keys_of_file);
  app->add_option("QUEUE", options->queues, "Queues, by name or as absolute paths");
  AddQuestionOptions(app, raw, options);
}

bool IsTyped(const CLI::App& app, const std::vector<std::string_view>& groups_or_names) {
  const auto& typed = app.parse_order();
  return std::any_of(typed.begin(), typed.end(), [&](const CLI::Option* option) {
    const auto is_of = [option](std::string_view wanted) {
      return option->get_group() == wanted || option->get_name() == wanted;
    };
    return std::any_of(groups_or_names.begin(), groups_or_names.end(), is_of);
  });
}

std::vector<std::string> WordsOf(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> words(argv, argv + argc);
  for (size_t i = 1; i < words.size() && words[i] != "--"; ++i) {
    const bool number_follows = i + 1 < words.size() && !words[i + 1].empty() &&
                                words[i + 1][0] >= '0' && words[i + 1][0] <= '9';
    // No queue of a fleet starts with a digit.
    if (words[i] == "--watch" && number_follows) {
      absl::StrAppend(&words[i], "=", words[i + 1]);
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    } else if (words[i].starts_with("--") && words[i].find('=') == words[i].size() - 1) {
      const std::string name = words[i].substr(0, words[i].size() - 1);
      const CLI::Option* const option = app.get_option_no_throw(name);
      if (option == nullptr || option->get_expected_min() == 0) continue;
      words[i] = name;
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(++i), "");
    }
  }
  return words;
}

absl::Status CheckGivenValues(const CLI::App& app) {
  for (const CLI::Option* const option : app.parse_order()) {
    const std::string name = option->get_name();
    const std::vector<std::string>& values = option->results();
    // No context is one, too; and which queue it is that is not known is told with all of them.
    const bool may_be_empty =
        option->get_expected_min() == 0 || name == "--context" || !name.starts_with("--");
    if (may_be_empty || std::find(values.begin(), values.end(), "") == values.end()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, " needs a value, and here it is empty (", kProgram, " --help tells)"));
  }
  return absl::OkStatus();
}

}  // namespace fleetqshape
