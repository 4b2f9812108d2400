#include "common/options/layered_options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <istream>
#include <iterator>
#include <memory>
#include <utility>

#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/nearest_word.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

// Reads TOML, and leaves out what the environment says.
class ConfigurationFile final : public CLI::ConfigTOML {
 public:
  ConfigurationFile(const CLI::App* app, KeysOfFile keys_of_file)
      : app_(*app), keys_of_file_(std::move(keys_of_file)) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const std::string text((std::istreambuf_iterator<char>(input)),
                           std::istreambuf_iterator<char>());
    const auto tables = ParseToml(text);
    if (!tables.ok()) Refuse(std::string(tables.status().message()));
    const auto keys = keys_of_file_(*tables);
    if (!keys.ok()) Refuse(std::string(keys.status().message()));
    std::vector<CLI::ConfigItem> items;
    for (const TomlKey& key : *keys) {
      const CLI::Option& option = OptionOf(key);
      const std::string& variable = option.get_envname();
      if (!variable.empty() && std::getenv(variable.c_str()) != nullptr) continue;
      items.push_back({{}, key.name, key.values});
    }
    return items;
  }

 private:
  // CLI11's way to end the parsing.
  [[noreturn]] void Refuse(const std::string& what) const {
    throw CLI::ConfigError(
        PrintableName(absl::StrCat(app_.get_config_ptr()->as<std::string>(), ": ", what)),
        CLI::ExitCodes::ConfigError);
  }

  const CLI::Option& OptionOf(const TomlKey& key) const {
    const CLI::Option* option = app_.get_option_no_throw("--" + key.name);
    if (option == nullptr) {
      std::vector<std::string> names;
      for (const CLI::Option* known : app_.get_options()) {
        if (!known->get_envname().empty() && known->get_configurable()) {
          names.push_back(known->get_lnames()[0]);
        }
      }
      const std::string hint = DidYouMean(key.name, names);
      Refuse(absl::StrCat("line ", key.line, ": unknown key ", key.name,
                          hint.empty() ? "; its keys are the long options' names" : hint));
    }
    if (!option->get_configurable() || option->get_envname().empty()) {
      Refuse(absl::StrCat("line ", key.line, ": ", key.name, " is for the command line only"));
    }
    if (key.values.empty()) Refuse(absl::StrCat("line ", key.line, ": ", key.name, " is empty"));
    if (option->get_expected_min() == 0 && key.values.size() != 1) {
      Refuse(absl::StrCat("line ", key.line, ": ", key.name, " takes one value"));
    }
    return *option;
  }

  const CLI::App& app_;
  KeysOfFile keys_of_file_;
};

std::string EnvironmentName(const std::string& prefix, const std::string& option) {
  std::string name = prefix + option;
  for (char& c : name) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

// About the first word that is nobody's.
std::string UnknownWordText(const CLI::App& app, const std::string& word) {
  if (!word.starts_with('-')) {
    return absl::StrCat("unexpected word ", word, ": this program takes options only");
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::string typed = word.substr(0, word.find('='));
  // Of a letter nothing can be guessed.
  const std::string hint = word.starts_with("--") ? DidYouMean(typed, names) : "";
  return absl::StrCat("unknown option ", typed,
                      hint.empty() ? absl::StrCat(" (", app.get_name(), " --help tells)") : hint);
}

// Why the configuration file, which is there, cannot be read. Empty: it can.
std::string UnreadableText(const CLI::App& app) {
  const CLI::Option* const option = app.get_config_ptr();
  const std::string file = option == nullptr ? "" : option->as<std::string>();
  struct stat status {};
  if (file.empty() || stat(file.c_str(), &status) != 0) return "";
  int error = 0;
  if (S_ISDIR(status.st_mode)) {
    error = EISDIR;
  } else if (access(file.c_str(), R_OK) != 0) {
    error = errno;
  }
  if (error == 0) return "";
  return absl::StrCat("cannot read the configuration file ", file, ": ", std::strerror(error));
}

// "Could not convert: --strict = maybe", which CLI11 says of a flag. Empty: it is about another
// option.
std::string FlagText(const CLI::App& app, const std::string& message) {
  constexpr std::string_view kStart = "Could not convert: ";
  const size_t equals = message.find(" = ");
  if (!message.starts_with(kStart) || equals == std::string::npos) return "";
  const std::string name = message.substr(kStart.size(), equals - kStart.size());
  const CLI::Option* const option = app.get_option_no_throw(name);
  if (option == nullptr || option->get_expected_min() != 0) return "";
  return absl::StrCat(name, " must be true or false, not ", message.substr(equals + 3));
}

std::string MistakeText(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  std::replace(message.begin(), message.end(), '\n', ' ');
  if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr) return message;
  if (dynamic_cast<const CLI::FileError*>(&error) != nullptr) {
    const std::string unreadable = UnreadableText(app);
    return unreadable.empty() ? absl::StrCat("there is no configuration file ",
                                             app.get_config_ptr()->as<std::string>())
                              : unreadable;
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr &&
      absl::EndsWith(message, " missing")) {
    message = absl::StrCat(message.substr(0, message.find(':')), " needs a value");
  }
  if (const std::string flag = FlagText(app, message); !flag.empty()) return flag;
  return absl::StrCat(message, " (", app.get_name(), " --help tells)");
}

}  // namespace

absl::StatusOr<std::vector<TomlKey>> TopLevelKeys(const std::vector<TomlTable>& tables) {
  if (tables.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("line ", tables[1].line, ": unknown section ",
                                                   tables[1].path[0], "; it has keys only"));
  }
  return tables.at(0).keys;
}

void AddLayers(CLI::App* app, const std::string& prefix, const std::string& default_config_file,
               KeysOfFile keys_of_file) {
  for (CLI::Option* option : app->get_options()) {
    const auto& names = option->get_lnames();
    if (names.empty() || names[0] == "help" || names[0] == "version") continue;
    option->envname(EnvironmentName(prefix, names[0]));
  }
  // CLI11 reads the file before it looks into the environment, so this variable is looked up here.
  const std::string variable = EnvironmentName(prefix, "config");
  const char* const named = std::getenv(variable.c_str());
  app->set_config("--config", named != nullptr ? named : default_config_file,
                  "Read options from this TOML file; the keys are their long names",
                  /*config_required=*/named != nullptr)
      ->envname(variable)
      ->type_name("FILE");
  app->config_formatter(std::make_shared<ConfigurationFile>(app, std::move(keys_of_file)));
  app->allow_config_extras(CLI::config_extras_mode::error);
}

std::optional<ParseEnd> Parse(CLI::App* app, int argc, const char* const* argv) {
  // What nobody knows is told below, in our words.
  app->allow_extras();
  try {
    app->parse(argc, argv);
    std::vector<std::string> unknown = app->remaining();
    // CLI11 counts the mark that only words follow among them.
    std::erase(unknown, "--");
    if (!unknown.empty()) {
      return ParseEnd{kExitUsage, "", PrintableName(UnknownWordText(*app, unknown[0]))};
    }
    // CLI11 passes over a default one, as if it were not there.
    const std::string unreadable = UnreadableText(*app);
    if (unreadable.empty()) return std::nullopt;
    return ParseEnd{kExitUsage, "", PrintableName(unreadable)};
  } catch (const CLI::CallForHelp&) {
    return ParseEnd{kExitOk, app->help(), ""};
  } catch (const CLI::CallForVersion& version) {
    return ParseEnd{kExitOk, absl::StrCat(version.what(), "\n"), ""};
  } catch (const CLI::ParseError& error) {
    return ParseEnd{kExitUsage, "", PrintableName(MistakeText(*app, error))};
  }
}

bool ParseOptions(CLI::App* app, int argc, const char* const* argv, int* exit_status) {
  const auto end = Parse(app, argc, argv);
  if (!end) return true;
  const bool printed = PrintOutput(app->get_name(), end->output);
  if (!end->error.empty()) PrintError(app->get_name(), end->error);
  *exit_status = printed ? end->exit_status : kExitError;
  return false;
}

bool ParseOptions(CLI::App* app, int argc, const char* const* argv,
                  const std::function<absl::Status()>& check, int* exit_status) {
  if (!ParseOptions(app, argc, argv, exit_status)) return false;
  const absl::Status valid = check();
  if (valid.ok()) return true;
  PrintError(app->get_name(), std::string(valid.message()));
  *exit_status = kExitUsage;
  return false;
}

void AddLogLevel(CLI::App* app, std::string* level) {
  app->add_option("--log-level", *level, "trace, debug, info, warning, error or off")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
}

bool PrintOutput(std::string_view program, std::string_view text) {
  const size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return true;
  const int error = errno;
  if (error == EPIPE) {
    // The program may ignore it for the sake of its sockets.
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  PrintError(program, absl::StrCat("cannot write to standard output: ", std::strerror(error)));
  return false;
}

void PrintError(std::string_view program, std::string_view message) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(program.size()), program.data(),
               static_cast<int>(message.size()), message.data());
}

}  // namespace fleetqshape
