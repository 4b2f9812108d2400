#include "cli/options/parse.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/App.hpp"
#include "absl/strings/str_cat.h"
#include "cli/options/command_line.h"
#include "cli/options/contexts.h"
#include "cli/options/fleet_options.h"
#include "cli/options/qshape_options.h"
#include "cli/options/question.h"
#include "cli/options/selector.h"
#include "cli/options/server.h"
#include "common/base/perl_number.h"
#include "common/base/printable.h"
#include "common/base/status_macros.h"
#include "common/options/value_list.h"

namespace fleetqshape {
namespace {

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

// Which context of the file is meant: the command line's, the environment's or the file's.
std::string ContextName(const CLI::App& app, const ContextFile& file) {
  const CLI::Option* const option = app.get_option("--context");
  if (option->count() > 0) return option->results().back();
  const char* const variable = std::getenv(option->get_envname().c_str());
  return variable != nullptr ? variable : file.current;
}

// The commands that are about contexts have to work where the current one is wrong.
bool IsAboutContexts(const CLI::App& app) {
  const std::vector<std::string>& words = app.get_option("QUEUE")->results();
  return !words.empty() && words[0] == "context";
}

KeysOfFile KeysInContextOf(const CLI::App* app) {
  return [app](const std::vector<TomlTable>& tables) -> absl::StatusOr<std::vector<TomlKey>> {
    FQS_ASSIGN_OR_RETURN(const ContextFile file, ReadContexts(tables));
    const std::string name = IsAboutContexts(*app) ? "" : ContextName(*app, file);
    FQS_ASSIGN_OR_RETURN(std::vector<TomlKey> keys, KeysInContext(file, name));
    ResolveFiles(app->get_config_ptr()->as<std::string>(), &keys);
    return keys;
  };
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

// This machine's files, or an aggregator; and whether the options fit that.
absl::Status FillSource(const CLI::App& app, const RawOptions& raw, CliOptions* options) {
  if (options->local) {
    if (IsTyped(app, {kSelectionGroup})) {
      return absl::InvalidArgumentError(
          "--cluster, --host, --role and --select choose relays of a fleet; this question is about "
          "this machine's queue files (a path, -c or --local was given)");
    }
    return FillLocalOptions(app, raw, options);
  }
  if (options->compat) {
    return absl::InvalidArgumentError(
        "--compat counts this machine's queue files: give a path, -c DIR or --local");
  }
  for (const auto& [option, names] :
       {std::pair("--cluster", &options->clusters), std::pair("--host", &options->hosts),
        std::pair("--role", &options->roles)}) {
    if (std::find(names->begin(), names->end(), "") != names->end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(option, " needs a name, or several with commas"));
    }
    FQS_RETURN_IF_ERROR(SplitValues(option, names));
  }
  options->select_typed = IsTyped(app, {"--select"});
  for (const std::string& select : raw.selects) {
    FQS_ASSIGN_OR_RETURN(const std::vector<LabelMatch> matches, ParseSelector(select));
    options->matches.insert(options->matches.end(), matches.begin(), matches.end());
  }
  return absl::OkStatus();
}

// Questions of an aggregator need one.
absl::Status FillServers(CliOptions* options) {
  const bool asks = options->question == Question::kTable ||
                    options->question == Question::kRelays ||
                    options->question == Question::kForget;
  if (!asks || options->local) return absl::OkStatus();
  FQS_RETURN_IF_ERROR(SplitValues("--server", &options->servers));
  if (options->servers.empty()) {
    return absl::InvalidArgumentError(
        "no aggregator to ask: give --server HOST:PORT, or set FLEETQSHAPE_SERVER or `server` in "
        "the configuration file that --help names; or read this machine's queue with --local");
  }
  for (const std::string& server : options->servers) {
    FQS_RETURN_IF_ERROR(CheckServer("--server", server));
  }
  if (options->tls.certificate_file.empty() != options->tls.key_file.empty()) {
    return absl::InvalidArgumentError("--tls-certificate and --tls-key go together");
  }
  return absl::OkStatus();
}

absl::Status Fill(const CLI::App& app, const RawOptions& raw, CliOptions* options) {
  const std::string file = app.get_config_ptr()->as<std::string>();
  options->config_file = file;
  const bool any_path = std::any_of(options->queues.begin(), options->queues.end(),
                                    [](const auto& queue) { return queue.starts_with('/'); });
  options->local = raw.local || any_path || !options->config_directory.empty();
  FQS_RETURN_IF_ERROR(CheckGivenValues(app));
  FQS_RETURN_IF_ERROR(FillQuestion(app, options));
  FQS_RETURN_IF_ERROR(FillSource(app, raw, options));
  FQS_RETURN_IF_ERROR(FitsQuestion(app, raw, *options));
  FQS_RETURN_IF_ERROR(FillServers(options));
  FQS_RETURN_IF_ERROR(FillTime(raw.at, options));
  FQS_RETURN_IF_ERROR(FillQshapeOptions(app, raw, options));
  return options->local ? absl::OkStatus() : FillFleetOptions(app, raw, options);
}

// A context that was named, while there is no file that could have it.
bool ContextWithoutFile(const CliOptions& options, const std::vector<std::string>& files_read) {
  return !options.context.empty() && files_read.empty();
}

// A long option with one dash, which is letters for qshape: -cluster is -c luster. Empty: there is
// none.
std::string LongOptionWithOneDash(const CLI::App& app, const std::vector<std::string>& words) {
  constexpr size_t kShortest = 4;
  for (size_t i = 1; i < words.size() && words[i] != "--"; ++i) {
    const std::string name = words[i].substr(0, words[i].find('='));
    const bool one_dash = name.starts_with('-') && !name.starts_with("--");
    if (one_dash && name.size() > kShortest && app.get_option_no_throw("-" + name) != nullptr) {
      return name;
    }
  }
  return "";
}

}  // namespace

std::variant<CliOptions, ParseEnd> ReadCliOptions(int argc, const char* const* argv) {
  CliOptions options;
  if (argc > 1 && std::string_view(argv[1]) == "__complete") {
    options.question = Question::kComplete;
    options.arguments.assign(argv + 2, argv + argc);
    return options;
  }
  RawOptions raw;
  CLI::App app;
  std::vector<std::string> files_read;
  const KeysOfFile keys_in_context = KeysInContextOf(&app);
  const KeysOfFile keys_of_file = [&](const std::vector<TomlTable>& tables) {
    files_read.push_back(app.get_config_ptr()->as<std::string>());
    return keys_in_context(tables);
  };
  DeclareOptions(&app, DefaultConfigFile(), keys_of_file, &raw, &options);
  const std::vector<std::string> words = WordsOf(app, argc, argv);
  if (const std::string name = LongOptionWithOneDash(app, words); !name.empty()) {
    return ParseEnd{kExitUsage, "",
                    absl::StrCat("unknown option ", name, ": did you mean -", name, "?")};
  }
  std::vector<const char*> pointers;
  for (const std::string& word : words) pointers.push_back(word.c_str());
  if (auto end = Parse(&app, static_cast<int>(pointers.size()), pointers.data())) {
    return *std::move(end);
  }
  if (!IsAboutContexts(app) && ContextWithoutFile(options, files_read)) {
    const std::string file = app.get_config_ptr()->as<std::string>();
    return ParseEnd{kExitUsage, "",
                    PrintableName(absl::StrCat("unknown context ", options.context,
                                               ": contexts stand in the configuration file, and ",
                                               file, " is not there"))};
  }
  const absl::Status filled = Fill(app, raw, &options);
  if (filled.ok()) return options;
  return ParseEnd{kExitUsage, "", PrintableName(std::string(filled.message()))};
}

std::optional<CliOptions> ParseCliOptions(int argc, const char* const* argv, int* exit_status) {
  auto read = ReadCliOptions(argc, argv);
  if (auto* const options = std::get_if<CliOptions>(&read)) return std::move(*options);
  const auto& end = std::get<ParseEnd>(read);
  const bool printed = PrintOutput(kProgram, end.output);
  if (!end.error.empty()) PrintError(kProgram, end.error);
  *exit_status = printed ? end.exit_status : kExitError;
  return std::nullopt;
}

}  // namespace fleetqshape
